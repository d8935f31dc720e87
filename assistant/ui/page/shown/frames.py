"""What stands on the page whatever is asked. Nothing from a paper or a question is in here."""

TALK = """
<button type="button" class="plain menu-button" data-do="menu" aria-expanded="false">Conversations and settings</button>
<div class="turns" role="log" aria-label="Conversation"></div>
"""

PANEL = """
<aside class="panel" aria-label="Cited paper" hidden>
<header><span class="where" aria-live="polite"></span>
<button type="button" class="plain" data-do="step" data-by="-1" aria-label="Previous mark">Previous</button>
<button type="button" class="plain" data-do="step" data-by="1" aria-label="Next mark">Next</button>
<button type="button" class="plain" data-do="close" aria-label="Close the paper">Close</button></header>
<div class="paper" tabindex="-1"></div>
</aside>
"""

HISTORY = """
<nav aria-label="Conversations">
<button type="button" class="new" data-do="new">New conversation</button>
<label class="unsaved"><input type="checkbox" data-do="unsaved"> Do not save</label>
<input type="search" class="find" placeholder="Search conversations" aria-label="Search conversations">
<div class="list">${value}</div>
<p class="buttons whole" role="group" aria-label="Export this conversation"><span>Export this conversation</span>
<button type="button" class="plain" data-do="export" data-form="md">Markdown</button>
<button type="button" class="plain" data-do="export" data-form="csv">CSV</button>
<button type="button" class="plain" data-do="export" data-form="bib">BibTeX</button></p>
</nav>
"""
