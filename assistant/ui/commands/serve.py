"""``assistant serve``: the page; and lines for its file of logins."""

from __future__ import annotations

import argparse
import sys

from assistant.ui.commands.options import Verbs, positive


def add(verbs: Verbs) -> None:
    """Declare the verb and what it takes."""
    verb = verbs.add_parser(
        "serve", help="open the chat page", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  assistant serve --port 7861\n"
        "  assistant serve --hash-password ana >> logins      then ASSISTANT_AUTH_FILE=logins lets ana in\n"
        "  assistant serve --root-path https://lab.example.org/papers      behind a proxy",
    )
    verb.add_argument("--host", help="address to listen on (default: 127.0.0.1); any but this machine takes a login")
    verb.add_argument("--port", type=positive, help="port to listen on (default: 7860)")
    verb.add_argument("--root-path", metavar="PATH", help="path, or whole address, at which a proxy offers the page")
    verb.add_argument("--share", action="store_true", help="also publish it, by Gradio's servers; takes a login")
    verb.add_argument("--insecure", action="store_true", help="let other machines in without a login")
    verb.add_argument("--hash-password", metavar="USER", help="ask for a password, print a line for a file of logins")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what it says; returns the exit status."""
    if arguments.hash_password is not None:
        return _hash_password(arguments.hash_password)
    from assistant.settings import load_settings
    from assistant.ui.page.serving import serve

    settings = load_settings(host=arguments.host, port=arguments.port, root_path=arguments.root_path)
    serve(settings, share=arguments.share, insecure=arguments.insecure)
    return 0


def _hash_password(name: str) -> int:
    from getpass import getpass

    from assistant.errors import MisuseError
    from assistant.ui.page.login import login_line

    if sys.stdin.isatty():
        password = getpass(f"password of {name}: ")
        if getpass("once more: ") != password:
            raise MisuseError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    print(login_line(name, password))
    return 0
