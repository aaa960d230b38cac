"""Many commands of the AWS CLI in one process of its own Python: it takes a second to start, and milliseconds to run.

Each line of standard input is a JSON object: ``arguments``, and ``columns`` of the terminal to write to, if any. Each line
of standard output is the answer: exit code, output and errors.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys

import colorama  # type: ignore[import-untyped,import-not-found,unused-ignore]
from awscli import clidriver  # type: ignore[import-not-found]
from botocore.stub import Stubber

from support.terminal import terminal


def run(driver, arguments, columns):
    """Return exit code, output and errors of one command."""
    shown: list[str] = []
    errors = io.StringIO()
    plain = io.StringIO()
    with contextlib.redirect_stderr(errors):
        try:
            with (
                terminal(columns, shown) if columns else contextlib.nullcontext(plain) as output,
                contextlib.redirect_stdout(output),
            ):
                try:
                    code = driver.main(arguments)
                finally:
                    colorama.deinit()
        except SystemExit as end:
            code = end.code
    return code, shown[0] if columns else plain.getvalue(), errors.getvalue()


def main():
    # A client for each command would take most of the time.
    clidriver.create_nested_client = functools.cache(clidriver.create_nested_client)
    # The AWS CLI fails at its own sample of an answer: with 0 for every number, that of retries is out of its range.
    Stubber._validate_operation_response = lambda *_: None
    driver = clidriver.create_clidriver()
    answers = sys.stdout
    for line in sys.stdin:
        case = json.loads(line)
        answer = run(driver, case["arguments"], case["columns"])
        print(json.dumps(answer), file=answers, flush=True)


main()
