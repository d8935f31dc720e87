r"""LaTeX residue → the characters a reader of the paper sees.

Only what dumps of abstracts contain: accents, symbols, font commands with their argument, ``$x$``,
grouping braces, unknown commands. One pass; `ingest.clean` repeats it until nothing changes.
"""

from __future__ import annotations

import re
import unicodedata

ACCENTS = {"'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304",
           ".": "\u0307", "c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "k": "\u0328",
           "r": "\u030a", "d": "\u0323", "b": "\u0331"}  # command -> combining character

SYMBOLS = {
    "deg": "°", "degree": "°", "circ": "°", "times": "×", "cdot": "·", "pm": "±", "mp": "∓", "div": "÷",
    "rightarrow": "→", "to": "→", "longrightarrow": "→", "Rightarrow": "⇒", "leftarrow": "←",
    "leftrightarrow": "↔", "uparrow": "↑", "downarrow": "↓", "mapsto": "↦",
    "approx": "≈", "sim": "~", "simeq": "≃", "equiv": "≡", "neq": "≠", "ne": "≠", "leq": "≤", "le": "≤",
    "geq": "≥", "ge": "≥", "ll": "≪", "gg": "≫", "lt": "<", "gt": ">", "propto": "∝", "infty": "∞",
    "in": "∈", "subset": "⊂", "cup": "∪", "cap": "∩", "sum": "∑", "prod": "∏", "partial": "∂", "nabla": "∇",
    "forall": "∀", "exists": "∃", "ell": "ℓ", "sqrt": "√", "ldots": "...", "dots": "...", "cdots": "...",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ",
    "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "i": "ı", "j": "ȷ", "S": "§", "P": "¶",
    "pounds": "£", "texteuro": "€", "copyright": "©", "textregistered": "®", "texttrademark": "™",
    "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_", "textquotesingle": "'",
    "textendash": "–", "textemdash": "—", "textbar": "|", "textless": "<", "textgreater": ">",
    "textbackslash": " ", "quad": " ", "qquad": " ", "newline": " ", "linebreak": " ", "item": " ",
    "par": " ", "noindent": " ", "xspace": "", "left": "", "right": "", "displaystyle": "", "em": "",
    "it": "", "bf": "", "tt": "", "sc": "", "rm": "", "sl": "", "small": "", "large": "", "protect": "",
    "LaTeX": "LaTeX", "TeX": "TeX",
}

MAX_NESTING = 10  # of commands or braces undone in one pass
MAX_NAME_CHARACTERS = 100  # it is put in for every \\ours, so a title as long as the abstract must not count as one

# What conference styles define; the full stop is theirs, so "\ie." must not get two.
SHORTHANDS = {"ie": "i.e.", "eg": "e.g.", "etal": "et al.", "etc": "etc.", "vs": "vs.", "cf": "cf.",
              "wrt": "w.r.t.", "aka": "a.k.a.", "resp": "resp.", "Ie": "I.e.", "Eg": "E.g."}

REMOVED = frozenset(("cite", "citep", "citet", "citealp", "label", "ref", "eqref", "vspace", "hspace",
                     "begin", "end", "footnotemark", "thanks"))  # with their arguments

# A paper's macro for what it presents, and the plain words that stand in where the name is unknown.
OWN_NAMES = {"ours": "our method", "our": "our method", "ourmethod": "our method", "method": "our method",
             "methodname": "our method", "implname": "our method", "name": "our method",
             "ourname": "our method", "approach": "our approach", "ourapproach": "our approach",
             "model": "our model", "modelname": "our model", "ourmodel": "our model",
             "system": "our system", "systemname": "our system", "sysname": "our system",
             "sys": "our system", "oursystem": "our system", "toolname": "our tool", "tool": "our tool",
             "framework": "our framework", "frameworkname": "our framework",
             "dataset": "our dataset", "datasetname": "our dataset", "dataname": "our dataset",
             "benchmark": "our benchmark", "benchmarkname": "our benchmark", "benchname": "our benchmark"}

_ACCENT = re.compile(r"\\(?:(['`^\"~=.])|([cvuHkrdb])(?![A-Za-z]))\s*"
                     r"(?:\{\s*\\?([A-Za-z])\s*\}|\\?([A-Za-z])(?![A-Za-z]*\{))")
_URL = re.compile(r"\\url\s*\{([^{}]*)\}")
_HREF = re.compile(r"\\href\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_REMOVED = re.compile(
    rf"[ ~]?\\(?:{'|'.join(sorted(REMOVED))})\*?(?:\[[^\][]*\])?\{{[^{{}}]*\}}")
_WITH_ARGUMENT = re.compile(r"\\([A-Za-z]+)\*?\s*\{([^{}]*)\}")
_GROUPED = re.compile(r"\{\s*(\\[A-Za-z]+)\s*\}")  # {\o}: the mark put in its place ends the command
_ESCAPED = re.compile(r"\\([%&#_${}])")
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?(\.?)(?:\{\})?")
_GROUP = re.compile(r"(?<=\w)\{([^{},]*)\}|\{([^{},]*)\}(?=\w)|(?<!= )(?<!=)\{((?=[^{},]* )[^{},]*|)\}")
_MID_SENTENCE = re.compile(r"(?:[^\s.!?]|e\.g\.|i\.e\.|vs\.|cf\.)[\s~]*$")
_MATH = re.compile(r"\$\$?(?=\S)([^$]{1,200}?)(?<=\S)\$\$?(?!\d)")
_MATH_SIGN = re.compile(r"[\\^_=+<>×≤≥≈±→°]")
_SCRIPT = re.compile(r"([\^_])\{([^{}\s]*)\}")
# Begins only where a word does and looks for the URL once: a start at every letter would take n² steps.
_LABELLED_URL = re.compile(r"(?<![^\s{}])(?=[^\s{}]*\w://[^\s{}])([^\s{}]++)\{([^{},]*)\}")


def plain(text: str, title: str | None = None) -> str:
    r"""One pass of LaTeX → text; no backslash is left.

    Args:
        title: of the same paper; "X: ..." tells what ``\ours`` and the like stand for.

    >>> plain(r"Sabi\'a gains 5\% with \textit{\underline{E}ffective} means")
    'Sabiá gains 5% with Effective means'
    """
    if "\\" not in text and "$" not in text and "{" not in text:
        return text
    if "$" in text:
        text = _MATH.sub(_unwrap_math, text)
    if "\\" in text:
        text = _commands(text, title)
    if "{" in text:
        text = _SCRIPT.sub(r"\1\2", text)
        text = ungroup(text)
    return text


def _unwrap_math(found: re.Match[str]) -> str:
    body = found[1]
    # "$5 (US$)" is money: prose between dollar signs that begins with a figure and has no sign.
    if body[0].isdigit() and not _MATH_SIGN.search(body) and not body.replace(".", "").isalnum():
        return found[0]
    return body


def _commands(text: str, title: str | None) -> str:
    text = _ACCENT.sub(_accented, text)
    text = _URL.sub(r"\1", text)
    text = _HREF.sub(lambda m: m[1] if m[1].strip() == m[2].strip() else f"{m[2]} ({m[1]})", text)
    text = _FRACTION.sub(r"\1/\2", text)
    text = _REMOVED.sub("", text)
    for _ in range(MAX_NESTING):  # inside out: \textit{\underline{E}ffective}
        text, changed = _WITH_ARGUMENT.subn(_argument, text)
        if not changed:
            break
    text = _GROUPED.sub("\\1\u200b", text)
    text = _ESCAPED.sub(r"\1", text)
    own = own_name(title)
    text = _COMMAND.sub(lambda m: _command(m, text, own), text)
    # What is left: "\ " after "e.g.", "\\" for a line break, "\," for a thin space, a lone backslash.
    return re.sub(r"\\+([ ,;:!/]?)", lambda m: m[1] if m[1] == "/" else " ", text)


def _accented(found: re.Match[str]) -> str:
    letter = found[3] or found[4]
    composed = unicodedata.normalize("NFC", letter + ACCENTS[found[1] or found[2]])
    return composed if len(composed) == 1 else letter  # \'q is no letter: leave the q


def _argument(found: re.Match[str]) -> str:
    name, body = found[1], found[2]
    if not body.strip() and (name in OWN_NAMES or name in SHORTHANDS):
        return f"\\{name}\u200b"  # \ours{}: still a name; the mark ends it and is removed later
    return SYMBOLS.get(name, "") + body


def _command(found: re.Match[str], text: str, own: str | None) -> str:
    name, stop = found[1], found[2]
    if name in SHORTHANDS:
        return SHORTHANDS[name]
    if name in SYMBOLS:
        return SYMBOLS[name] + stop
    if name in OWN_NAMES:
        before = text[max(0, found.start() - 8):found.start()]
        words = OWN_NAMES[name]
        return (own or (words if _MID_SENTENCE.search(before) else words.capitalize())) + stop
    if own is not None and own.casefold() == name.casefold():
        return own + stop  # \redco in "Redco: A Lightweight Tool ..."
    return name + stop


def own_name(title: str | None) -> str | None:
    """What a title of the form "X: ..." calls the work: one word that no dictionary has.

    >>> own_name("Transformer^2: Self-adaptive LLMs"), own_name("Bit Cipher: A System")
    ('Transformer^2', None)
    """
    head, colon, rest = (title or "").partition(":")
    head = head.strip()
    if not colon or not rest.strip() or len(head) > MAX_NAME_CHARACTERS or re.search(r"\s", head):
        return None
    return head if re.search(r".[A-Z]|\d", head) else None


def ungroup(text: str) -> str:
    r"""Drop grouping braces, ``{\deg}`` and ``{directional feedback}``; keep ``{BoolQ, SST2}`` and ``{CI}``.

    Grouping ones touch a word or hold several; others are the author's own: sets and brackets.

    A brace glued to a URL is the label of a link: it is put in round brackets, but for arXiv's filler
    "this https URL".
    """
    text = re.sub(r"(?<=\S)\{this https? URL\}", "", text)
    text = _LABELLED_URL.sub(r"\1 (\2)", text)
    for _ in range(MAX_NESTING):
        text, changed = _GROUP.subn(lambda m: m[1] or m[2] or m[3] or "", text)
        if not changed:
            break
    return text
