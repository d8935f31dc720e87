// Brings the newest question to the top, so that a long answer is read from its beginning.
{
  let asked = 0;
  new MutationObserver(() => {
    const rows = document.querySelectorAll("#answers .user-row");
    if (rows.length > asked) setTimeout(() => rows[rows.length - 1].scrollIntoView({ block: "start" }), 50);
    asked = rows.length;
  }).observe(document.documentElement, { childList: true, subtree: true });
}
