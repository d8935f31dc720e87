"""The tables of the database, and how those of the schema before become them."""

from __future__ import annotations

SCHEMA_VERSION = 3

SCHEMA = """
CREATE TABLE card (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (
    file_id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    layout TEXT NOT NULL);
CREATE TABLE texts (
    text_id TEXT PRIMARY KEY, abstract TEXT NOT NULL, raw TEXT NOT NULL, work TEXT NOT NULL);
CREATE INDEX texts_work ON texts (work);
CREATE TABLE records (
    record_id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL REFERENCES files, key TEXT NOT NULL, line INTEGER,
    text_id TEXT NOT NULL, title TEXT, year INTEGER, authors TEXT NOT NULL DEFAULT '[]');
CREATE INDEX records_file ON records (file_id);
CREATE INDEX records_text ON records (text_id);
CREATE TABLE bands (band INTEGER NOT NULL, text_id TEXT NOT NULL, PRIMARY KEY (band, text_id)) WITHOUT ROWID;
CREATE TABLE papers (
    paper_id TEXT PRIMARY KEY, title TEXT, abstract TEXT NOT NULL, raw TEXT NOT NULL, sources TEXT NOT NULL,
    aliases TEXT NOT NULL, chunks BLOB NOT NULL, sentences BLOB NOT NULL,
    token_start INTEGER NOT NULL, token_count INTEGER NOT NULL,
    year INTEGER, authors TEXT NOT NULL DEFAULT '[]', has_code INTEGER NOT NULL DEFAULT 0);
CREATE TABLE names (key TEXT NOT NULL, paper_id TEXT NOT NULL, surface TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (key, paper_id)) WITHOUT ROWID;
CREATE INDEX names_paper ON names (paper_id);
CREATE TABLE abbreviations (key TEXT NOT NULL, expansion TEXT NOT NULL, paper_id TEXT NOT NULL,
    PRIMARY KEY (key, expansion, paper_id)) WITHOUT ROWID;
CREATE INDEX abbreviations_paper ON abbreviations (paper_id);
"""
FILTERS = """
CREATE INDEX IF NOT EXISTS papers_untitled ON papers (paper_id) WHERE title IS NULL;
CREATE INDEX IF NOT EXISTS papers_long ON papers (paper_id, length(chunks)) WHERE length(chunks) > 8;
CREATE INDEX papers_year ON papers (year);
CREATE INDEX papers_code ON papers (paper_id) WHERE has_code;
CREATE TABLE author_words (word TEXT NOT NULL, paper_id TEXT NOT NULL, PRIMARY KEY (word, paper_id)) WITHOUT ROWID;
CREATE INDEX author_words_paper ON author_words (paper_id);
CREATE INDEX abbreviations_expansion ON abbreviations (replace(replace(expansion, '-', ''), ' ', ''));
"""
FROM_2 = """
ALTER TABLE records ADD COLUMN year INTEGER;
ALTER TABLE records ADD COLUMN authors TEXT NOT NULL DEFAULT '[]';
ALTER TABLE papers ADD COLUMN year INTEGER;
ALTER TABLE papers ADD COLUMN authors TEXT NOT NULL DEFAULT '[]';
ALTER TABLE papers ADD COLUMN has_code INTEGER NOT NULL DEFAULT 0;
"""
