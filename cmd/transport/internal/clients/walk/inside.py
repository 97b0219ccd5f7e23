"""What the walk of Gajim knows inside of Gajim: ear.py runs this first."""

import re

from gi.repository import GLib, Gtk
from nbxmpp.protocol import JID

from gajim.common import app
from gajim.gtk.menus import get_groupchat_admin_menu, get_groupchat_mod_menu

ACCOUNT = 'alice'


def shown(kind=Gtk.Widget, within=None):
    """All widgets of a kind that are on the screen, from top to bottom."""
    found = []

    def look(widget):
        if not widget.get_mapped():
            return
        if isinstance(widget, kind):
            found.append(widget)
        if isinstance(widget, Gtk.Container):
            widget.forall(look)

    for window in [within] if within else Gtk.Window.list_toplevels():
        look(window)
    return sorted(found, key=place)


def place(widget):
    """Where a widget begins on the screen: y, x."""
    window = Gtk.Widget.get_window(widget)  # a text view has others
    if window is None:
        return 0, 0
    _, x, y = window.get_origin()
    box = widget.get_allocation()
    if not widget.get_has_window():
        x, y = x + box.x, y + box.y
    return y, x


def texts(within=None):
    said = [label.get_text() for label in shown(Gtk.Label, within)]
    for view in shown(Gtk.TextView, within):
        buffer = view.get_buffer()
        said.append(buffer.get_text(*buffer.get_bounds(), False))
    return [text for text in said if text.strip()]


def window(name):
    for top in Gtk.Window.list_toplevels():
        if type(top).__name__ == name and top.get_mapped():
            return top
    raise LookupError(f'no window {name}')


def names(button):
    found = [(button.get_label() or '').replace('_', ''), button.get_tooltip_text()]
    button.forall(lambda child: found.extend(texts(child)))
    return found


def press(label, within=None):
    buttons = shown(Gtk.Button, within)
    meant = [b for b in buttons if label in names(b)]
    if not meant:
        raise LookupError(f'no button {label} among {[names(b) for b in buttons]}')
    meant = [b for b in meant if b.is_sensitive()]
    if not meant:
        raise LookupError(f'{label} is grey')
    # A button may open a dialog that returns when it is closed.
    GLib.idle_add(lambda: meant[-1].clicked() and False)


def rows(within=None):
    """The rows of lists: list, path, texts."""
    found = []
    for view in shown(Gtk.TreeView, within):
        model = view.get_model()
        if model:
            model.foreach(lambda _, path, __: found.append((view, path.copy(), [c for c in model[path] if isinstance(c, str)])) or False)
    return found


def choose(pattern, within=None):
    for view, path, cells in rows(within):
        if any(re.search(pattern, cell) for cell in cells):
            view.expand_to_path(path)
            view.scroll_to_cell(path)
            view.set_cursor(path)
            return cells
    raise LookupError(f'no row {pattern} among {[cells for _, _, cells in rows(within)]}')


def row_on_screen(pattern):
    """Where a row is on the screen."""
    for view, path, cells in rows():
        if any(re.search(pattern, cell) for cell in cells):
            box = view.get_cell_area(path, view.get_column(0))
            x, y = view.convert_bin_window_to_widget_coords(box.x, box.y)
            top, left = place(view)
            return left + x + 40, top + y + box.height // 2
    raise LookupError(f'no row {pattern}')


def label_on_screen(text, within=None):
    for label in shown(Gtk.Label, within):
        if label.get_text() == text:
            y, x = place(label)
            return x + 10, y + 8
    raise LookupError(f'no label {text} among {texts(within)}')


def client():
    return app.get_client(ACCOUNT)


def contact(jid):
    return client().get_module('Contacts').get_contact(jid)


def roster():
    found = {}
    for jid, _ in client().get_module('Roster').iter():
        it = contact(jid)
        found[str(jid)] = [it.name, it.show.name.lower(), it.subscription, sorted(it.groups)]
    return found


def occupants(jid):
    return {it.name: [it.affiliation.value, it.role.value, str(it.real_jid)] for it in contact(jid).get_participants()}


def menu_of(jid, nick):
    """The items of a participant's menu."""
    room = contact(jid)
    me, who = room.get_self(), room.get_resource(nick)
    found = {}
    for menu in get_groupchat_mod_menu(me, who), get_groupchat_admin_menu(me, who):
        for i in range(menu.get_n_items()):
            value = menu.get_item_attribute_value(i, 'label').get_string()
            found[value] = (menu.get_item_attribute_value(i, 'action').get_string(), menu.get_item_attribute_value(i, 'target'))
    return found


def act(jid, nick, label):
    """Chooses an item of a participant's menu."""
    items = menu_of(jid, nick)
    if label not in items:
        raise LookupError(f'{label} is not among {list(items)}')
    action, target = items[label]
    GLib.idle_add(lambda: app.window.activate_action(action.removeprefix('win.'), target) and False)


def messages():
    """What the chat that is open shows: who and what."""
    found = []
    for row in shown(Gtk.ListBoxRow, app.window):
        if type(row).__name__ in ('MessageRow', 'InfoMessage', 'MUCJoinLeft', 'MUCSubject', 'UserStatus', 'CommandOutputRow'):
            found.append(' | '.join(texts(row)))
    return found
