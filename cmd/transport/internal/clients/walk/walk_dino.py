"""Walks Dino through the gateway, as a new user would: by keys and by places on the
screen, since Dino tells nobody where its widgets are. What has come of it is asked of
Dino's database and of the people at the other end."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

from walk import ALICE, ICQ, IRC, PASSWORD, check, click, joe, joe_hears, key, others, picture, report, step, type_text, until, xdo

dino = None

# Places on a screen of 1380x860, on which Dino's window is in the middle.
SET_UP = 690, 602
START, FIRST_ROW, ADD_CONTACT, ADD, NICK = (878, 178), (690, 288), (564, 658), (805, 350), (719, 321)
TOP_CHAT, INPUT, DETAILS, MEMBERS = (235, 160), (828, 741), (1148, 108), (1067, 107)
LAST_MESSAGE, FOURTH_CHAT = (700, 672), (235, 337)
MODERATED = (585, 383)  # in the dialog, which the window manager places


def start():
    global dino
    dino = subprocess.Popen(['dino-im'], stdout=sys.stderr)
    until('Dino', lambda: subprocess.run(['xdotool', 'search', '--onlyvisible', '--class', 'dino'], capture_output=True).stdout)
    time.sleep(4)


def ask(query, *values):
    database = sqlite3.connect(f'file:{os.environ["HOME"]}/.local/share/dino/dino.db?mode=ro', uri=True)
    try:
        return database.execute(query, values).fetchall()
    finally:
        database.close()


def messages(jid):
    """What came from an address and went to it, in order; a correction is a message, too."""
    return [row[0] for row in ask('select body from message m join jid j on j.id = m.counterpart_id where j.bare_jid = ? order by m.id', jid)]


def answer(jid, before):
    """Waits for a message from an address after so many."""
    def look():
        came = ask('''select body from message m join jid j on j.id = m.counterpart_id
            where j.bare_jid = ? and direction = 0 order by m.id''', jid)
        return len(came) > before and came[-1][0] or f'not answered after {came}'
    return until(f'an answer of {jid}', look)


def write(jid, text):
    """Writes to somebody who answers, and returns the answer."""
    before = len(ask('select 1 from message m join jid j on j.id = m.counterpart_id where j.bare_jid = ? and direction = 0', jid))
    say(text)
    return answer(jid, before)


def say(text):
    click(*INPUT)
    type_text(text)
    key('Return')


def paused(seconds=1.5):
    """Lets Dino draw, which takes longer on a busy machine."""
    time.sleep(seconds * min(3, max(1, os.getloadavg()[0] / os.cpu_count())))


def window(name):
    return subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', f'^{name}$'], capture_output=True).stdout != b''


def appears(name):
    until(name, lambda: window(name))
    paused(1)


def disappears(name):
    until(f'the end of {name}', lambda: not window(name))
    paused(1)


def open_chat(name):
    key('ctrl+t')
    appears('Start Conversation')
    type_text(name)
    paused()
    click(*FIRST_ROW)
    paused(0.5)
    click(*START)
    disappears('Start Conversation')


def add_contact(jid):
    key('ctrl+t')
    appears('Start Conversation')
    click(*ADD_CONTACT)
    appears('Add Contact')
    key('Tab')
    type_text(jid)
    paused(0.5)
    picture(f'add {jid}')
    click(*ADD)
    disappears('Add Contact')
    key('Escape')
    disappears('Start Conversation')


start()
click(*SET_UP)
paused(2)
type_text(ALICE)
paused(1)
key('Return')
paused(4)
type_text(PASSWORD)
key('Return')
until('the account', lambda: ask('select 1 from account where enabled'))
paused(4)
key('Return')
paused()


@step('discover')
def _():
    add_contact(ICQ)
    told = answer(ICQ, 0)
    check('register' in told, told)
    return told


@step('register with a wrong password')
def _():
    click(*TOP_CHAT)
    paused()
    told = write(ICQ, f'register {os.environ["UIN"]} wrong')
    check('password' in told, told)
    return told


@step('register')
def _():
    told = write(ICQ, f'register {os.environ["UIN"]} {os.environ["ICQ_PASSWORD"]}')
    check('You are registered' in told, told)
    return told


@step('contacts online with names')
def _():
    want = {(ICQ, 'ICQ', 'both'), ('1002@' + ICQ, 'Bob', 'both'), ('1003@' + ICQ, 'Carla', 'both'), ('1004@' + ICQ, 'Dave', 'both')}

    def look():
        have = set(ask('select jid, name, subscription from roster'))
        return have == want or f'not {want} but {have}'
    until('contacts', look)
    there = until('Bob and Carla to be online', lambda: ask('''select bare_jid, resource from entity e join jid j on j.id = e.jid_id
        where bare_jid in (?, ?) order by bare_jid''', '1002@' + ICQ, '1003@' + ICQ))
    check(len(there) == 2, there)
    key('ctrl+t')
    paused()
    picture('contacts')
    key('Escape')
    return there


@step('chat')
def _():
    open_chat('Bob')
    say('Hello Bob')
    others('/icq/heard', pattern='^Hello Bob$')
    others('/icq/say', text='Hello Alice')
    until('Hello Alice', lambda: 'Hello Alice' in messages('1002@' + ICQ))


@step('typing')
def _():
    type_text('I am typ')
    others('/icq/typed')
    others('/icq/typing', on='yes')
    paused()
    picture('typing is shown')
    type_text('ing')
    key('Return')
    others('/icq/heard', pattern='I am typing')


@step('list of rooms')
def _():
    joe('JOIN #lounge')
    joe('TOPIC #lounge :All about lounging')
    joe_hears(' TOPIC #lounge ')
    add_contact(IRC)
    want = [(IRC, 'IRC', 'both')]
    until('the gateway on the list', lambda: ask('select jid, name, subscription from roster where jid = ?', IRC) == want)
    open_chat(IRC)
    told = write(IRC, 'list')
    check('#lounge' in told, told)
    return f'Dino has no list of rooms; by words: {told}'


club = '#club@' + IRC


@step('join by address')
def _():
    key('ctrl+g')
    appears('Join Channel')
    type_text(club)
    paused()
    click(*FIRST_ROW)
    paused(0.5)
    click(*START)
    paused(2)
    click(*NICK)
    type_text('Alice')
    picture('a nick')
    click(*START)
    paused(4)
    joe('JOIN #club')
    return joe_hears(' 353 joe = #club :.*@Alice')


@step('say in a room')
def _():
    paused()
    say('Hello channel')
    joe_hears('PRIVMSG #club :Hello channel')
    joe('PRIVMSG #club :Hello Alice')
    until('Hello Alice', lambda: messages(club) == ['Hello channel', 'Hello Alice'] or f'not yet: {messages(club)}')


@step('nick change')
def _():
    say('/nick Alicia')
    joe_hears('NICK :?Alicia')
    joe('NICK joseph')
    joe_hears('NICK :?joseph')
    joe('NICK joe')
    joe_hears('NICK :?joe')
    click(*MEMBERS)
    paused()
    picture('members')
    key('Escape')
    click(*INPUT)
    paused()


@step('settings of a room')
def _():
    click(*DETAILS)
    paused(3)
    picture('details')
    dialog = subprocess.run(['xdotool', 'getactivewindow'], capture_output=True, text=True, check=True).stdout.strip()
    xdo('mousemove', '--window', dialog, *MODERATED)
    paused(0.2)
    xdo('click', 1)
    paused()
    picture('form of the settings')
    key('Escape')
    joe_hears('MODE #club \\+[a-z]*m')


@step('correction')
def _():
    paused()
    say('Helo everybody')
    joe_hears('PRIVMSG #club :Helo everybody')
    paused(1)
    key('Up')
    paused(0.5)
    key('ctrl+a')
    type_text('Hello everybody')
    key('Return')
    heard = joe_hears('PRIVMSG #club :.*Hello everybody')
    paused(1)
    shown = ask('''select count(*) from content_item i join conversation c on c.id = i.conversation_id join jid j on j.id = c.jid_id
        join message m on m.id = i.foreign_id where i.content_type = 1 and not i.hide and j.bare_jid = ? and m.body like '%everybody' ''', club)
    check(shown == [(1,)], f'shown {shown} times')
    return heard


# The buttons beside a message hide from a pointer that xdotool moves onto the one for
# reactions.
xdo('mousemove', *LAST_MESSAGE)
paused(0.5)
xdo('mousemove', LAST_MESSAGE[0] + 20, LAST_MESSAGE[1] - 2)
paused(1)
report('not driven', 'reaction', picture('reaction'), 'Dino offers reactions in every chat, whatever it is told')


@step('kick')
def _():
    say('/kick joe')
    joe_hears('KICK #club joe')


@step('ban')
def _():
    joe('JOIN #club')
    joe_hears(' 366 joe #club ')
    paused(1)
    say('/affiliate joe outcast')
    joe_hears('KICK #club joe')
    joe('JOIN #club')
    joe_hears(' 474 ')


@step('restart')
def _():
    os.kill(dino.pid, signal.SIGKILL)
    dino.wait()
    start()
    paused(3)
    click(*TOP_CHAT)
    paused()
    picture('after the restart')
    open_chat('Bob')
    others('/icq/say', text='Are you there again?')
    until('the question', lambda: 'Are you there again?' in messages('1002@' + ICQ))


@step('unregister')
def _():
    click(*FOURTH_CHAT)  # after Bob, #club and irc.example.org
    paused()
    told = write(ICQ, 'unregister')
    told += ' | ' + write(ICQ, 'yes')

    def look():
        have = [row for row in ask('select jid, name, subscription from roster') if row[0].endswith(ICQ)]
        return not have or f'not gone: {have}; {told}'
    until('the contacts to be gone', look)
    return told


print('done', flush=True)
if os.environ.get('KEEP'):
    signal.pause()
dino.kill()
dino.wait()
