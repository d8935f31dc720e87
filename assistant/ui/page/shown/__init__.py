"""What the page shows: plain functions from values to escaped HTML, without gradio."""
