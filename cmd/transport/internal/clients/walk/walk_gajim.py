"""Walks Gajim through the gateway, as a new user would. Keys are pressed by xdotool;
buttons and menus are found inside of Gajim (inside.py), which also tells what it knows."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

from walk import ALICE, DOMAIN, ICQ, IRC, PASSWORD, check, click, joe, joe_hears, key, others, picture, report, step, type_text, until

gajim = None


def start():
    global gajim
    gajim = subprocess.Popen([sys.executable, 'ear.py', 'run/ear'], stdout=sys.stderr)
    until('Gajim', lambda: inside('result = bool(app.window)'))
    inside('''
        app.window.maximize()
        app.settings.set('use_keyring', False)
        app.settings.set('confirm_close_muc', False)''')


def inside(code, **values):
    """Runs code inside of Gajim and returns its result."""
    with socket.socket(socket.AF_UNIX) as ear:
        ear.settimeout(30)
        ear.connect('run/ear')
        ear.sendall((''.join(f'{k} = {v!r}\n' for k, v in values.items()) + textwrap.dedent(code)).encode())
        ear.shutdown(socket.SHUT_WR)
        answer = b''.join(iter(lambda: ear.recv(65536), b''))
    answer = json.loads(answer)
    if 'error' in answer:
        print(code, answer['error'], file=sys.stderr, flush=True)
        raise RuntimeError(answer['error'].strip().splitlines()[-1])
    return answer.get('result')


def press(label, within=None):
    """Presses a button as soon as it is there."""
    if within:
        until(label, lambda: inside('press(label, window(within)); result = True', label=label, within=within))
    else:
        until(label, lambda: inside('press(label); result = True', label=label))


def open_chat(jid, kind):
    inside('app.window.add_chat(ACCOUNT, JID.from_string(jid), kind, select=True)', jid=jid, kind=kind)
    until('the chat', lambda: inside('result = any(v.has_focus() for v in shown(Gtk.TextView))') or 'not the focus in the input')


def say(text):
    inside('[v for v in shown(Gtk.TextView) if type(v).__name__ == "MessageInputTextView"][-1].grab_focus()')
    type_text(text)
    key('Return')


def shows(text):
    def look():
        said = inside('result = messages()')
        return any(text in row for row in said) or f'not among {said}'
    return until(f'{text} to be shown', look)


def close_dialogs():
    inside('''
        for top in Gtk.Window.list_toplevels():
            if top.get_mapped() and top is not app.window and type(top).__name__ not in ('GtkTrayIcon', 'GtkTooltipWindow', 'Window'):
                top.close()
        for disco in app.interface.instances.get(ACCOUNT, {}).get('disco', {}).copy().values():
            disco.window.destroy()''')


def services(pattern):
    """Opens the list of services and chooses one."""
    inside("app.app.activate_action('alice-services', GLib.Variant('s', ACCOUNT))")
    until('the services', lambda: inside("result = choose('^icq') and choose('^irc')"))
    until(pattern, lambda: inside("result = choose(pattern)", pattern=pattern))
    until('the buttons', lambda: inside("result = [b for b in shown(Gtk.Button) if 'Command' in names(b)][-1].is_sensitive() or 'not yet'"))


start()
inside('''
    for top in Gtk.Window.list_toplevels():
        if type(top).__name__ == 'AccountWizard':
            top.destroy()
    app.app.create_account(ACCOUNT, ACCOUNT, domain, password, None, None)
    app.app.enable_account(ACCOUNT)''', domain=DOMAIN, password=PASSWORD)


@step('discover')
def _():
    until('to be online', lambda: inside('result = client().state.is_available'))
    services('^irc')
    return 'Gajim enables Join in the list of rooms alone'


def register(password):
    inside('''
        number, secret = shown(Gtk.Entry, window('ServiceRegistration'))
        number.set_text(uin)
        secret.set_text(password)''', uin=os.environ['UIN'], password=password)
    press('Register', 'ServiceRegistration')


def outcome(title):
    def look():
        said = inside('result = [window("ServiceRegistration").get_title()] + texts(window("ServiceRegistration"))')
        return said if said[0] == title else f'not {title} but {said}'
    return until(title, look)


@step('register with a wrong password')
def _():
    services('^icq')
    press('Register')
    until('the form', lambda: inside('result = len(shown(Gtk.Entry, window("ServiceRegistration"))) == 2'))
    picture('form of the registration')
    register('wrong')
    said = outcome('Registration failed')
    check('password' in ' '.join(said), said)
    return ' | '.join(said)


@step('register')
def _():
    press('Back', 'ServiceRegistration')
    until('the form', lambda: inside('result = len(shown(Gtk.Entry, window("ServiceRegistration"))) == 2'))
    register(os.environ['ICQ_PASSWORD'])
    return ' | '.join(outcome('Registration successful'))


close_dialogs()


def contacts_are(want):
    def look():
        have = inside('result = roster()')
        return have == want or f'not {want} but {have}'
    return until('contacts', look)


@step('contacts online with names')
def _():
    inside('app.window.show_account_page(ACCOUNT)')
    contacts_are({
        ICQ: ['ICQ', 'online', 'both', ['ICQ']],
        '1002@' + ICQ: ['Bob', 'online', 'both', ['Friends']],
        '1003@' + ICQ: ['Carla', 'away', 'both', ['Friends']],
        '1004@' + ICQ: ['Dave', 'offline', 'both', ['Friends']],
    })
    said = inside('result = texts(app.window)')
    check('No Notifications' in said, f'there are notifications: {said}')
    dialogs = inside('result = [t.get_title() for t in Gtk.Window.list_toplevels() if t.get_mapped() and t is not app.window and t.get_title()]')
    check(not dialogs, f'there are dialogs: {dialogs}')


@step('chat')
def _():
    open_chat('1002@' + ICQ, 'contact')
    say('Hello Bob')
    others('/icq/heard', pattern='^Hello Bob$')
    others('/icq/say', text='Hello Alice')
    shows('Hello Alice')


@step('typing')
def _():
    type_text('I am typ')
    others('/icq/typed')
    others('/icq/typing', on='yes')
    until('Bob to be typing', lambda: inside('result = any("composing" in t for t in texts(app.window))'))
    picture('typing is shown')
    type_text('ing')
    key('Return')
    others('/icq/heard', pattern='I am typing')


lounge, club = '#lounge@' + IRC, '#club@' + IRC


def entered(jid):
    until(f'to be in {jid}', lambda: inside('result = contact(jid).is_joined or "not: " + str(texts())', jid=jid))


@step('list of rooms')
def _():
    joe('JOIN #lounge')
    joe('TOPIC #lounge :All about lounging')
    joe_hears(' TOPIC #lounge ')
    services('^irc')
    press('Browse')
    found = until('rooms', lambda: inside('result = choose("#lounge")'))
    picture('rooms')
    press('Join')
    entered(lounge)
    joe_hears(' JOIN :?#lounge')
    return found


close_dialogs()


@step('join by address')
def _():
    inside('''
        from gajim.gtk.util import open_window
        open_window('GroupchatJoin', account=ACCOUNT, jid=jid)''', jid=club)
    until('the room', lambda: inside('result = [b for b in shown(Gtk.Button, window("GroupchatJoin")) if "Join" in names(b)][-1].is_sensitive()'))
    picture('a room before the join')
    press('Join', 'GroupchatJoin')
    entered(club)
    have = until('oneself', lambda: inside('result = occupants(jid)', jid=club))
    check(len(have) == 1 and [*have.values()] == [['owner', 'moderator', ALICE]], have)
    return have


@step('say in a room')
def _():
    joe('JOIN #club')
    until('joe to be there', lambda: inside('result = "joe" in occupants(jid)', jid=club))
    open_chat(club, 'groupchat')
    say('Hello channel')
    joe_hears('PRIVMSG #club :Hello channel')
    joe('PRIVMSG #club :Hello Alice')
    shows('Hello Alice')
    said = [row for row in inside('result = messages()') if 'Hello channel' in row]
    check(len(said) == 1, f'the own message is shown as {said}')


@step('nick change')
def _():
    inside('app.window.activate_action("muc-change-nickname", None)')
    until('the field', lambda: inside('result = "Change Nickname" in texts(app.window) or "not: " + str(texts(app.window))'))
    key('ctrl+a')
    type_text('Alicia')
    picture('a new nick')
    key('Return')
    joe_hears('NICK :?Alicia')
    until('the new nick', lambda: inside('result = contact(jid).get_self().name == "Alicia"', jid=club))
    joe('NICK joseph')
    until('the new nick of joe', lambda: inside('result = "joseph" in occupants(jid)', jid=club))
    joe('NICK joe')
    until('the old nick of joe', lambda: inside('result = "joe" in occupants(jid)', jid=club))
    shows('joseph')


@step('settings of a room')
def _():
    inside('app.window.activate_action("show-contact-info", None)')
    until('the details', lambda: inside('result = "Configuration" in texts(window("GroupchatDetails")) or "not: " + str(texts())'))
    click(*inside('result = label_on_screen("Configuration", window("GroupchatDetails"))'))
    moderated = 'Only occupants with voice may speak'
    until('the form', lambda: inside('result = label in texts(window("GroupchatDetails"))', label=moderated))
    picture('form of the settings')
    inside('''
        _, y = label_on_screen(label, window('GroupchatDetails'))
        min(shown(Gtk.CheckButton, window('GroupchatDetails')), key=lambda b: abs(place(b)[0] + 8 - y)).clicked()''', label=moderated)
    press('Apply', 'GroupchatDetails')
    joe_hears('MODE #club \\+[a-z]*m')


close_dialogs()


@step('correction')
def _():
    open_chat(club, 'groupchat')
    say('Helo everybody')
    joe_hears('PRIVMSG #club :Helo everybody')
    shows('Helo everybody')
    key('ctrl+Up')
    key('ctrl+a')
    type_text('Hello everybody')
    key('Return')
    heard = joe_hears('PRIVMSG #club :.*Hello everybody')
    shows('Hello everybody')
    said = [row for row in inside('result = messages()') if 'everybody' in row]
    check(len(said) == 1 and 'Helo' not in said[0], f'shown as {said}')
    return heard


report('not offered', 'reaction', '', 'Gajim 1.7 has no reactions')


def menu_picture(nick):
    x, y = inside('result = row_on_screen("^" + nick)', nick=nick)
    click(x, y, 3)
    time.sleep(1)
    picture('menu of an occupant')
    key('Escape')


@step('kick')
def _():
    menu_picture('joe')
    inside('act(jid, "joe", "Kick…")', jid=club)
    until('the question', lambda: inside('result = any("Kick" in t for t in texts(app.window))'))
    type_text('too loud')
    picture('a kick')
    press('Kick')
    joe_hears('KICK #club joe')
    until('joe to be gone', lambda: inside('result = "joe" not in occupants(jid)', jid=club))
    shows('kicked')


@step('ban')
def _():
    joe('JOIN #club')
    until('joe to be back', lambda: inside('result = "joe" in occupants(jid)', jid=club))
    inside('act(jid, "joe", "Ban…")', jid=club)
    until('the question', lambda: inside('result = any("Ban" in t for t in texts(app.window))'))
    type_text('for ever')
    press('Ban')
    joe_hears('KICK #club joe')
    joe('JOIN #club')
    joe_hears(' 474 ')
    shows('banned')


@step('restart')
def _():
    os.kill(gajim.pid, signal.SIGKILL)
    gajim.wait()
    start()
    until('to be online', lambda: inside('result = client().state.is_available'))
    entered(club)
    until('Bob to be online', lambda: inside('result = contact(jid).show.name == "ONLINE"', jid='1002@' + ICQ))
    open_chat(club, 'groupchat')
    shows('Hello everybody')
    time.sleep(2)


@step('unregister')
def _():
    services('^icq')
    press('Command')
    chosen = until('the command', lambda: inside('result = choose("^Remove my account", window("AdHocCommands"))'))
    picture('commands')
    press('Execute', 'AdHocCommands')
    until('the question', lambda: inside('result = [b for b in shown(Gtk.Button, window("AdHocCommands")) if "Complete" in names(b)]'))
    picture('question')
    press('Complete', 'AdHocCommands')
    contacts_are({})
    time.sleep(1)
    picture('command is done')
    close_dialogs()
    inside('app.window.show_account_page(ACCOUNT)')
    time.sleep(1)
    said = inside('result = texts(app.window)')
    check('No Notifications' in said, f'there are notifications: {said}')
    return chosen


print('done', flush=True)
if os.environ.get('KEEP'):
    signal.pause()
gajim.kill()
gajim.wait()
