"""An XMPP client made of nbxmpp, the library of Gajim, that a test drives.

A line on standard input is a command, as JSON: {"n": 7, "do": "call", ...}. Each is
answered by a line on standard output, {"kind": "done", "n": 7, "result": ...} or with
"error" in place of "result". What comes in is a line too, in the form that nbxmpp's own
parsers give it, and so is every warning that nbxmpp logs. End of input ends the program.

The commands:
  connect   host, jid, password: sign on, ask for the roster; presence is a command of its own
  presence  show, status, to: send presence with capabilities, as Gajim does
  join      room, nick: enter a room, as Gajim does
  send      xml: send a stanza
  call      module, method, args, kwargs: call a method of an nbxmpp module
  ask       xml, form: send an IQ with a form, if there is one, and have the form in the answer parsed
  caps      jid, node: query disco#info and let nbxmpp compare the hash with the node
"""
import dataclasses
import enum
import inspect
import json
import logging
import os
import sys

from gi.repository import GLib

from nbxmpp.client import Client
from nbxmpp.const import AdHocAction, ConnectionProtocol, ConnectionType
from nbxmpp.errors import StanzaError
from nbxmpp.modules.dataforms import DataRecord, MultipleDataForm, extend_form
from nbxmpp.modules.discovery import get_disco_request, parse_disco_info
from nbxmpp.namespaces import Namespace
from nbxmpp.protocol import JID, Iq, Message, NodeProcessed, Presence
from nbxmpp.simplexml import Node
from nbxmpp.structs import AdHocCommand, CommonError, DiscoIdentity, DiscoInfo, StanzaHandler
from nbxmpp.util import compute_caps_hash

# The probe's disco#info features: those of Gajim 1.7 that matter to a gateway.
FEATURES = [
    Namespace.DISCO_INFO, Namespace.MUC, Namespace.COMMANDS, Namespace.DATA, Namespace.PING, Namespace.CHATSTATES,
    Namespace.RECEIPTS, Namespace.ROSTERX, Namespace.CONFERENCE, Namespace.CORRECT, Namespace.CHATMARKERS,
    Namespace.XHTML_IM, Namespace.MESSAGE_MODERATE, Namespace.AVATAR_METADATA + '+notify',
]

client = None
loop = GLib.MainLoop()
forms = []     # received forms, by the number that the test uses
commands = []  # steps of ad-hoc commands, by number
waiting = {}   # callbacks of tasks; nbxmpp itself has only weak references


def write(**line):
    sys.stdout.write(json.dumps(line) + '\n')
    sys.stdout.flush()


class Warnings(logging.Handler):
    """Hands nbxmpp's warnings to the test: each is a stanza that it could not use."""

    def emit(self, record):
        text = self.format(record)
        write(kind='warning', text=text)


def plain(value):
    """What a value of nbxmpp is in JSON."""
    if isinstance(value, enum.Enum):
        return value.name.lower() if value.value is None else value.value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, JID):
        return str(value)
    if isinstance(value, CommonError):
        by = value._error_node.getAttr('by') if value._error_node is not None else None
        return {'condition': value.condition, 'type': value.type, 'text': value.get_text('en'), 'by': by}
    if isinstance(value, (DataRecord, MultipleDataForm)):
        return plain_form(value)
    if isinstance(value, Node):
        return str(value)
    if isinstance(value, AdHocCommand):
        commands.append(value)
        fields = {k: plain(v) for k, v in value._asdict().items() if k != 'data'}
        fields['command'] = len(commands) - 1
        if value.data is not None:
            fields['form'] = plain_form(extend_form(value.data))
        return fields
    if isinstance(value, DiscoInfo):
        names = [n for n in dir(DiscoInfo) if isinstance(getattr(DiscoInfo, n), property)]
        held = [n for n in names if getattr(value, n) is True]
        return {'identities': plain(value.identities), 'features': value.features, 'is': held,
                'forms': plain(value.dataforms), 'muc_name': value.muc_name, 'xml': str(value.stanza)}
    if hasattr(value, '_asdict'):
        return {k: plain(v) for k, v in value._asdict().items()}
    if dataclasses.is_dataclass(value):
        return {k: plain(v) for k, v in vars(value).items() if v is not None}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(v) for v in value)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if callable(getattr(value, 'isoformat', None)):
        return value.isoformat()
    return str(value)


def plain_field(field):
    values = field.values if hasattr(field, 'values') else field.value
    if not isinstance(values, list):
        values = [] if values is None else [values]
    out = {'var': field.var, 'type': field.type_, 'label': field.label, 'required': field.required,
           'desc': field.description, 'values': [str(v) for v in values]}
    if field.type_ in ('list-single', 'list-multi'):
        out['options'] = [str(option[1]) for option in field.iter_options()]
    return out


def plain_form(form):
    forms.append(form)
    out = {'form': len(forms) - 1, 'type': form.type_, 'title': form.title, 'instructions': form.instructions}
    if isinstance(form, MultipleDataForm):
        out['rows'] = [{f.var: f.value for f in record.iter_fields()} for record in form.iter_records()]
    else:
        out['fields'] = [plain_field(f) for f in form.iter_fields()]
    return out


def problem(error):
    out = {'class': type(error).__name__, 'text': str(error)}
    if hasattr(error, 'condition'):
        text = error.get_text('en') if hasattr(error, 'get_text') else ''
        out.update(condition=error.condition, type=str(error.type), text=text)
    if hasattr(error, 'get_data'):  # the registration form in the error response, with the reason
        out['data'] = plain(error.get_data())
    return out


def argument(value):
    """An argument of a command as nbxmpp wants it."""
    if isinstance(value, list):
        return [argument(v) for v in value]
    if not isinstance(value, dict):
        return value
    if 'jid' in value:
        return JID.from_string(value['jid'])
    if 'action' in value:
        return AdHocAction(value['action'])
    if 'begin' in value:  # an ad-hoc command, by its node
        return AdHocCommand(jid=JID.from_string(value['at']), node=value['begin'], name=None)
    if 'command' in value:
        return commands[value['command']]
    if 'form' in value:  # filled in like Gajim's dialogs
        form = forms[value['form']]
        for var, given in value['values'].items():
            field = form[var]
            if hasattr(field, 'values'):
                field.values = [(None, v) for v in given] if field.type_ == 'list-multi' else given
            else:
                field.value = given[0] == '1' if field.type_ == 'boolean' else '\n'.join(given)
        form.type_ = 'submit'
        return form.get_purged()
    if 'users' in value:  # the users and their new affiliations
        return {JID.from_string(j): a for j, a in value['users'].items()}
    return value


def on_stanza(kind):
    def handle(_client, stanza, properties):
        names = [n for n in dir(type(properties)) if n.startswith(('is_', 'has_')) and isinstance(getattr(type(properties), n), property)]
        held = [n for n in names if getattr(properties, n)]
        fields = {k: plain(v) for k, v in vars(properties).items() if v is not None and k not in ('own_jid', 'xhtml', 'forms')}
        fields['is'] = held
        if kind == 'presence' and 'type' not in fields:
            fields['type'] = 'available'
        write(kind=kind, xml=str(stanza), **fields)
        raise NodeProcessed
    return handle


def on_exchange(_client, stanza, properties):
    """A proposal of contacts. Gajim (RosterItemExchange.received_item) shows a dialog, and answers no IQ."""
    items = [{'jid': i.getAttr('jid'), 'name': i.getAttr('name'), 'action': i.getAttr('action') or 'add',
              'groups': [g.getData() for g in i.getTags('group')]}
             for i in stanza.getTag('x', namespace=Namespace.ROSTERX).getTags('item')]
    write(kind='exchange', xml=str(stanza), jid=str(stanza.getFrom()), items=items)
    raise NodeProcessed


def connect(n, host, jid, password):
    global client
    jid = JID.from_string(jid)
    client = Client(log_context='probe')
    client.set_domain(jid.domain)
    client.set_username(jid.localpart)
    client.set_resource(jid.resource)
    client.set_password(password)
    client.set_custom_host(host, ConnectionProtocol.TCP, ConnectionType.PLAIN)
    client.set_sm_disabled(True)  # a disconnected probe is offline at once
    for kind in ('presence', 'message'):
        client.register_handler(StanzaHandler(name=kind, callback=on_stanza(kind), priority=90))
    client.register_handler(StanzaHandler(name='iq', callback=on_stanza('roster'), typ='set', ns=Namespace.ROSTER, priority=50))
    for name in ('iq', 'message'):
        client.register_handler(StanzaHandler(name=name, callback=on_exchange, typ='set' if name == 'iq' else '', ns=Namespace.ROSTERX, priority=50))
    client.get_module('EntityCaps').set_caps([DiscoIdentity(category='client', type='pc', name='Gajim')], FEATURES, 'https://gajim.org')

    def connected(*_args):
        waiting['connected'] = lambda task: write(kind='done', n=n, result={'jid': str(client.get_bound_jid()), 'roster': plain(task.finish())})
        client.get_module('Roster').request_roster(callback=waiting['connected'])

    def ended(*_args):
        write(kind='ended', text=str(client.get_error()))
        loop.quit()

    waiting['signals'] = (connected, ended)
    client.subscribe('connected', connected)
    client.subscribe('disconnected', ended)
    client.subscribe('connection-failed', ended)
    client.connect()


def caps_of():
    return client.get_module('EntityCaps').caps._asdict()


def parse(xml):
    name = xml[1:].split(None, 1)[0].rstrip('/>')
    node = Node(node='<%s xmlns="%s"%s' % (name, Namespace.CLIENT, xml[1 + len(name):]))
    return {'message': Message, 'presence': Presence, 'iq': Iq}[node.getName()](node=node)


def call(n, module, method, args=(), kwargs=None):
    def done(task):
        waiting.pop(n)
        try:
            result = task.finish()
        except Exception as error:
            write(kind='done', n=n, error=problem(error))
        else:
            write(kind='done', n=n, result=plain(result))

    f = getattr(client.get_module(module), method)
    given = {k: argument(v) for k, v in (kwargs or {}).items()}
    if inspect.isgeneratorfunction(getattr(f, '__wrapped__', None)):  # an asynchronous task
        waiting[n] = done
        f(*argument(list(args)), callback=done, **given)
    else:
        write(kind='done', n=n, result=plain(f(*argument(list(args)), **given)))


def caps(n, jid, node):
    """Does what Gajim's Caps._on_disco_info does with an answer: throw it away, or keep it."""
    def answered(_client, stanza):
        if stanza.isError():
            write(kind='done', n=n, error={'class': 'StanzaError', 'condition': stanza.getError(), 'text': stanza.getErrorMsg() or ''})
            return
        try:
            info = parse_disco_info(stanza)
            compute_caps_hash(info)
        except Exception as error:
            write(kind='done', n=n, error=problem(error))
        else:
            write(kind='done', n=n, result=plain(info))
    client.send_stanza(get_disco_request(Namespace.DISCO_INFO, jid, node), callback=answered)


def ask(n, xml, form=None):
    """Asks for what Gajim has no module of nbxmpp for, such as searches. (Gajim's Search)"""
    def answered(_client, stanza):
        if stanza.isError():
            write(kind='done', n=n, error=problem(StanzaError(stanza)))
            return
        query = stanza.getQuery()
        node = query.getTag('x', namespace=Namespace.DATA) if query is not None else None
        write(kind='done', n=n, result={'xml': str(stanza), 'form': plain_form(extend_form(node)) if node is not None else None})
    iq = parse(xml)
    if form is not None:
        iq.getQuery().addChild(node=argument(form))
    client.send_stanza(iq, callback=answered)


def obey(line):
    n, do = line.pop('n'), line.pop('do')
    try:
        if do == 'connect':
            connect(n, **line)
        elif do == 'call':
            call(n, **line)
        elif do == 'caps':
            caps(n, **line)
        elif do == 'ask':
            ask(n, **line)
        else:
            if do == 'presence':
                client.get_module('BasePresence').send(caps=caps_of(), **line)
            elif do == 'join':  # like Gajim's MUC._join
                client.get_module('BasePresence').send(jid=line['room'] + '/' + line['nick'], caps=caps_of(), muc=True, muc_history={'maxchars': '0'})
            elif do == 'send':
                client.send_stanza(parse(line['xml']))
            else:
                raise ValueError('unknown command ' + do)
            write(kind='done', n=n, result=None)
    except Exception as error:
        write(kind='done', n=n, error={'class': type(error).__name__, 'text': str(error)})


unread = b''


def on_input(_channel, _condition):
    global unread
    data = os.read(0, 65536)
    if not data:
        loop.quit()
        return False
    *lines, unread = (unread + data).split(b'\n')
    for line in lines:
        obey(json.loads(line))
    return True


logging.getLogger('nbxmpp').addHandler(Warnings(logging.WARNING))
logging.getLogger('nbxmpp').propagate = False
GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, on_input)
loop.run()
