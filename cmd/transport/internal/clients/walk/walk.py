"""What the walks of desktop clients have in common."""

import os
import re
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

DOMAIN, OUT, PASSWORD = os.environ['DOMAIN'], os.environ['OUT'], os.environ['PASSWORD']
ALICE, ICQ, IRC = 'alice@' + DOMAIN, 'icq.' + DOMAIN, 'irc.' + DOMAIN
LIMIT = 15

pictures = 0


def picture(name):
    """Takes a picture of the whole screen and returns its file."""
    global pictures
    pictures += 1
    file = f'{pictures:02}-{name.replace(" ", "-")}.png'
    subprocess.run(['import', '-window', 'root', os.path.join(OUT, file)], check=True)
    return file


def report(outcome, step, file, remark):
    print(outcome, step, file, re.sub(r'\s+', ' ', str(remark or ''))[:400], sep='\t', flush=True)


def step(name):
    """Runs a function at once as a step of the walk. What it returns is the remark."""
    def run(play):
        outcome = 'ok'
        try:
            remark = play()
        except Exception as error:
            outcome, remark = 'failed', error
            print(name, traceback.format_exc(), file=sys.stderr, flush=True)
        report(outcome, name, picture(name), remark)
        return play
    return run


def check(so, what):
    if not so:
        raise AssertionError(what)


def until(what, f):
    """Waits until f returns something. A string that begins with "not " says why not yet."""
    end = time.monotonic() + LIMIT
    while True:
        try:
            last = f()
        except Exception as error:
            last = f'not {error}'
        if last and not (isinstance(last, str) and last.startswith('not ')):
            return last
        if time.monotonic() > end:
            raise AssertionError(f'waited in vain: {what}; {last}')
        time.sleep(0.2)


def others(path, **query):
    """Directs the people at the other end."""
    url = os.environ['OTHERS'] + path + '?' + urllib.parse.urlencode(query)
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from None


def joe(line):
    return others('/irc/line', nick='joe', line=line)


def joe_hears(pattern):
    return others('/irc/heard', nick='joe', pattern=pattern)


def xdo(*args):
    subprocess.run(['xdotool', *map(str, args)], check=True)


def click(x, y, button=1):
    xdo('mousemove', x, y)
    time.sleep(0.2)
    xdo('click', button)


def type_text(text):
    xdo('type', '--delay', 20, '--', text)


def key(*keys):
    xdo('key', '--clearmodifiers', *keys)
