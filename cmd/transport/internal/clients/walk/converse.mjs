// Walks Converse.js through the gateway, as a new user would: by clicks and keys where
// there is something to click, and asks its own model what has come of it.
// Reports a line for each step: outcome, step, picture, remark, with tabs between.
import puppeteer from 'puppeteer-core';

const { DOMAIN, OUT } = process.env;
const icq = `icq.${DOMAIN}`, irc = `irc.${DOMAIN}`, alice = `alice@${DOMAIN}`;
const contact = (uin) => `${uin}@${icq}`;
const limit = 15_000;

const browser = await puppeteer.connect({ browserWSEndpoint: process.env.BROWSER, defaultViewport: { width: 1280, height: 850 } });
const page = await browser.newPage();
page.on('console', (m) => console.error('console', m.type(), m.text().slice(0, 4000)));
page.on('pageerror', (e) => console.error('pageerror', e));
page.on('dialog', (d) => { console.error('dialog', d.message()); d.accept(); });

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let pictures = 0;
async function picture(name) {
  const file = `${String(++pictures).padStart(2, '0')}-${name.replace(/ /g, '-')}.png`;
  await page.screenshot({ path: `${OUT}/${file}` });
  return file;
}

// step runs one step of the walk. What it returns is the remark.
async function step(name, play) {
  let outcome = 'ok', remark = '';
  try {
    remark = (await play()) ?? '';
  } catch (e) {
    outcome = 'failed';
    remark = String(e.message ?? e);
    console.error(name, e.stack ?? e);
  }
  const file = await picture(name);
  if (outcome === 'failed') await closeModal().catch((e) => console.error(name, e));
  console.log(`${outcome}\t${name}\t${file}\t${remark.replace(/\s+/g, ' ').slice(0, 400)}`);
}

function check(so, what) {
  if (!so) throw new Error(what);
}

// until waits until a function in the page returns something, and returns that. What
// it says in vain is in the error.
async function until(what, f, ...args) {
  let last;
  for (const end = Date.now() + limit; ;) {
    last = await page.evaluate(f, ...args).catch((e) => ({ not: String(e) }));
    if (last && !last.not) return last;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}${last?.not ? `; ${JSON.stringify(last.not)}` : ''}`);
    await sleep(100);
  }
}

// others directs the people at the other end.
async function others(path, query = {}) {
  const answer = await fetch(`${process.env.OTHERS}${path}?${new URLSearchParams(query)}`);
  const text = await answer.text();
  check(answer.ok, text);
  return text;
}
const joe = (line) => others('/irc/line', { nick: 'joe', line });
const joeHears = (pattern) => others('/irc/heard', { nick: 'joe', pattern });

// A locator waits for an element that is there, visible and at rest; the page draws
// itself anew at any time.
const click = (selector) => page.locator(selector).setTimeout(limit).click();

async function fill(selector, text) {
  const e = await page.waitForSelector(selector, { visible: true, timeout: limit });
  await e.evaluate((input) => { input.value = ''; });
  await e.type(text);
}

async function closeModal() {
  if (await page.$('.modal.show')) await click('.modal.show .modal-header button, .modal.show .modal-footer button');
  await until('the dialog to close', () => !document.querySelector('.modal.show, .modal-backdrop, body.modal-open'));
}

const texts = (selector) =>
  page.$$eval(selector, (all) => all.map((e) => e.textContent.replace(/\s+/g, ' ').trim()).filter(Boolean));

async function login() {
  await fill('input[name=password]', process.env.PASSWORD);
  await page.keyboard.press('Enter');
  await until('the roster', () => inner.api.connection.connected() && document.querySelector('converse-user-profile .show-client-info'));
}

const open = () => page.goto(`${process.env.PAGE}?${new URLSearchParams({ socket: `wss://${DOMAIN}:5281/xmpp-websocket`, jid: alice })}`);

async function settings(tab) {
  await click('.show-client-info');
  await click(`.modal.show a[data-name=${tab}]`);
}

// command opens the form of a command of the gateway, from the list of all.
async function command(pattern) {
  await settings('commands');
  await fill('converse-adhoc-commands input[name=jid]', icq);
  await page.keyboard.press('Tab');
  await click('converse-adhoc-commands input[type=submit]');
  await page.waitForSelector('a[data-command-node]', { timeout: limit });
  await picture('commands');
  const list = await texts('a[data-command-node]');
  const nodes = await page.$$eval('a[data-command-node]', (all) => all.map((e) => e.getAttribute('data-command-node')));
  const i = list.findIndex((name) => pattern.test(name));
  check(i >= 0, `no command ${pattern} among: ${list.join(', ')}`);
  await click(`a[data-command-node="${nodes[i]}"]`);
  await page.waitForSelector('converse-adhoc-commands form form, converse-adhoc-commands span form', { timeout: limit });
  return list;
}

// submit fills in the form of a command and goes on, to the end unless it says why not.
async function submit(fields) {
  for (const [name, value] of Object.entries(fields)) await fill(`converse-adhoc-commands [name="${name}"]`, value);
  for (const action of ['complete', 'next', 'execute']) {
    const button = `converse-adhoc-commands input[data-action=${action}]`;
    if (await page.$(button)) return click(button);
  }
  throw new Error('the form has no button to go on with');
}

const said = () => texts('converse-adhoc-commands .form-instructions, converse-adhoc-commands .alert, converse-adhoc-commands > * > .form-help, converse-adhoc-commands > .form-help');

const roster = () => page.evaluate(() => inner.state.roster.map((c) => ({
  jid: c.get('jid'), name: c.getDisplayName(), subscription: c.get('subscription'), requesting: !!c.get('requesting'),
  presence: c.getStatus() ?? 'none', groups: c.get('groups'),
})));

// room is what Converse knows of a room.
const room = (jid) => page.evaluate((jid) => {
  const muc = inner.state.chatboxes.get(jid);
  return muc && {
    entered: muc.session.get('connection_status') === 5, nick: muc.get('nick'), role: muc.getOwnRole(), affiliation: muc.getOwnAffiliation(),
    own: muc.getOwnOccupant()?.get('jid'),
    occupants: muc.occupants.map((o) => ({ nick: o.get('nick'), role: o.get('role'), affiliation: o.get('affiliation'), jid: o.get('jid'), show: o.get('presence') })),
    features: muc.features.attributes,
    messages: muc.messages.map((m) => ({ nick: m.get('nick'), text: m.getMessageText(), type: m.get('type'), edited: !!m.get('edited') })),
    commands: muc.getAllowedCommands(),
  };
}, jid);

const entered = (jid) => until(`to be in ${jid}`, (jid) => {
  const muc = inner.state.chatboxes.get(jid), status = muc?.session?.get('connection_status');
  return status === 5 || { not: { status, shown: document.querySelector('converse-muc-disconnected, converse-muc-nickname-form, .modal.show')?.textContent.replace(/\s+/g, ' ') } };
}, jid);

const box = (jid) => `converse-muc[jid="${jid}"], converse-chat[jid="${jid}"]`;

// roomMenu opens a dialog of the menu beside "Groupchats".
async function roomMenu(what) {
  await click('converse-rooms-list .dropdown-toggle');
  await click(`converse-rooms-list .show-${what}-muc-modal`);
}

// say writes into the chat that is open.
async function say(jid, text) {
  await page.evaluate((jid) => inner.state.chatboxes.get(jid).maybeShow(true), jid);
  const area = await page.waitForSelector(`:is(${box(jid)}) textarea.chat-textarea:not([disabled])`, { visible: true, timeout: limit });
  await area.click();
  await area.type(text);
  await page.keyboard.press('Enter');
}

const shows = (jid, text) => until(`${jid} to show ${text}`, (jid, text) => {
  const messages = inner.state.chatboxes.get(jid)?.messages.map((m) => m.getMessageText()) ?? [];
  return messages.some((m) => m?.includes(text)) || { not: messages };
}, jid, text);

await open();
await step('discover', async () => {
  await login();
  await settings('disco');
  await page.waitForSelector('converse-disco-browser .disco-items li', { timeout: limit });
  const items = await texts('converse-disco-browser .disco-items li');
  await picture('services');
  for (const gateway of [icq, irc]) check(items.some((i) => i.includes(gateway)), `${gateway} is not among: ${items.join(', ')}`);
  await page.$$eval('converse-disco-browser .disco-items a', (all, irc) => all.find((a) => a.textContent.includes(irc)).click(), irc);
  const found = await until('identities of the gateway to IRC', (irc) => {
    const of = inner.state.disco_entities.get(irc)?.identities;
    return of?.length ? of.map((i) => `${i.get('category')}/${i.get('type')}`) : null;
  }, irc);
  check(found.includes('gateway/irc') && found.includes('conference/text'), `the gateway to IRC is ${found}`);
  return found.join(', ');
});
await closeModal();

await step('register with a wrong password', async () => {
  const list = await command(/^register/i);
  await picture('form of the registration');
  await submit({ username: process.env.UIN, password: 'wrong' });
  await until('a reason', () => {
    const shown = document.querySelector('converse-adhoc-commands')?.innerText ?? '';
    return /password/i.test(shown.replace(/^.*(Your |The )?password( of|:| for)?.*$/gim, '')) || /wrong|refus|incorrect|not accept/i.test(shown) || { not: shown };
  });
  return `${(await said()).join(' | ')} || commands: ${list.join(', ')}`;
});

await step('register', async () => {
  await submit({ username: process.env.UIN, password: process.env.ICQ_PASSWORD });
  await until('the command to be done', () => /Completed/.test(document.querySelector('converse-adhoc-commands > .alert')?.textContent) ||
    { not: document.querySelector('converse-adhoc-commands')?.innerText });
  return (await said()).join(' | ');
});
await closeModal();

await step('contacts online with names', async () => {
  const want = { [icq]: ['ICQ', 'online'], [contact(1002)]: ['Bob', 'online'], [contact(1003)]: ['Carla', 'away'], [contact(1004)]: ['Dave', 'offline'] };
  await until('contacts', (want) => {
    const have = Object.fromEntries(inner.state.roster.map((c) => [c.get('jid'), [c.getDisplayName(), c.getStatus(), c.get('subscription')]]));
    const right = Object.entries(want).every(([jid, [name, show]]) => have[jid]?.[0] === name && have[jid][1] === show && have[jid][2] === 'both');
    return right || { not: have };
  }, want);
  const asked = (await roster()).filter((c) => c.requesting);
  check(!asked.length, `requests: ${JSON.stringify(asked)}`);
  return (await roster()).filter((c) => c.jid.endsWith(icq)).map((c) => `${c.name} ${c.presence} ${c.groups}`).join(', ');
});

const bob = contact(1002);
await step('chat', async () => {
  await page.evaluate((bob) => inner.api.chats.open(bob, {}, true), bob);
  await say(bob, 'Hello Bob');
  await others('/icq/heard', { pattern: '^Hello Bob$' });
  await others('/icq/say', { text: 'Hello Alice' });
  await shows(bob, 'Hello Alice');
  const errors = await page.evaluate((bob) => inner.state.chatboxes.get(bob).messages.filter((m) => m.get('type') === 'error' || m.get('error')).map((m) => m.get('error_text') ?? m.getMessageText()), bob);
  check(!errors.length, `errors: ${errors}`);
});

await step('typing', async () => {
  const area = await page.waitForSelector(`:is(${box(bob)}) textarea.chat-textarea`, { visible: true, timeout: limit });
  await area.type('I am typ');
  await others('/icq/typed');
  await others('/icq/typing', { on: 'yes' });
  await until('Bob to be typing', (bob) => inner.state.chatboxes.get(bob).notifications?.get('chat_state') === 'composing' ||
    /typing/.test(document.querySelector(`converse-chat[jid="${bob}"]`)?.innerText ?? ''), bob);
  await picture('typing-is-shown');
  await area.type('ing');
  await page.keyboard.press('Enter');
  await others('/icq/heard', { pattern: 'I am typing' });
});

const lounge = `#lounge@${irc}`, club = `#club@${irc}`;
await step('list of rooms', async () => {
  await joe('JOIN #lounge');
  await joe('TOPIC #lounge :All about lounging');
  await joeHears(' TOPIC #lounge ');
  await roomMenu('list');
  await fill('.modal.show input[name=server]', irc);
  await click('.modal.show input[name=list]');
  await page.waitForSelector('.modal.show a.open-room', { timeout: limit }).catch(async () => {
    throw new Error(`the list is empty: ${(await texts('.modal.show .available-chatrooms li')).join(', ')}`);
  });
  const found = await texts('.modal.show a.open-room');
  await picture('rooms');
  await page.$$eval('.modal.show a.open-room', (all) => all.find((a) => a.getAttribute('data-room-jid').startsWith('#lounge')).click());
  await entered(lounge);
  await joeHears(' JOIN :?#lounge');
  return found.join(', ');
});
await closeModal();

await step('join by address', async () => {
  await roomMenu('add');
  await fill('.modal.show input[name=chatroom]', club);
  await fill('.modal.show input[name=nickname]', 'Alice');
  await page.keyboard.press('Enter');
  await entered(club);
  const r = await room(club);
  check(r.own === alice, `Converse does not find itself: the own item's address is ${r.own}`);
  check(r.affiliation === 'owner' && r.role === 'moderator', `whoever makes a channel is ${r.affiliation}/${r.role}`);
  check(['kick', 'ban', 'nick', 'topic', 'op'].every((c) => r.commands.includes(c)), `slash commands: ${r.commands}`);
  return `${r.nick} is ${r.affiliation}/${r.role}`;
});

await step('say in a room', async () => {
  await joe('JOIN #club');
  await until('joe to be there', (jid) => inner.state.chatboxes.get(jid).occupants.models.some((o) => o.get('nick') === 'joe' && o.get('presence') === 'online'), club);
  await say(club, 'Hello channel');
  await joeHears('PRIVMSG #club :Hello channel');
  await joe('PRIVMSG #club :Hello Alice');
  await shows(club, 'Hello Alice');
  const own = (await room(club)).messages.filter((m) => m.text?.includes('Hello channel'));
  check(own.length === 1, `the own message is shown ${own.length} times`);
  await say(club, '/topic What clubs are for');
  await joeHears('TOPIC #club :What clubs are for');
});

await step('nick change', async () => {
  await say(club, '/nick Alicia');
  await joeHears('NICK :?Alicia');
  await until('the new nick', (jid) => inner.state.chatboxes.get(jid).get('nick') === 'Alicia', club);
  await joe('NICK joseph');
  await until('the new nick of joe', (jid) => inner.state.chatboxes.get(jid).occupants.models.some((o) => o.get('nick') === 'joseph'), club);
  await joe('NICK joe');
  await until('the old nick of joe', (jid) => inner.state.chatboxes.get(jid).occupants.models.some((o) => o.get('nick') === 'joe'), club);
  const shown = await page.evaluate((jid) => document.querySelector(`converse-muc[jid="${jid}"]`).innerText, club);
  check(/nickname|known as/i.test(shown), 'nothing tells of a new nick');
});

await step('settings of a room', async () => {
  const menu = await page.$(`converse-muc[jid="${club}"] converse-muc-heading .dropdown-toggle, converse-muc[jid="${club}"] .chat-head .dropdown-toggle`);
  await menu?.click();
  await picture('menu-of-a-room');
  await page.$eval(`converse-muc[jid="${club}"] .configure-chatroom-button`, (b) => b.click());
  await page.waitForSelector('.modal.show [name^="muc#roomconfig"]', { timeout: limit });
  const names = await page.$$eval('.modal.show [name]', (all) => all.map((e) => e.name));
  await picture('settings');
  const moderated = '.modal.show [name="muc#roomconfig_moderatedroom"]';
  check(await page.$(moderated), `no moderated among: ${names}`);
  await page.$eval(moderated, (e) => e.click());
  await click('.modal.show input[type=submit]');
  await joeHears('MODE #club \\+[a-z]*m');
  await say(club, 'Only some may speak');
  return names.join(', ');
});
await closeModal();

await step('correction', async () => {
  await joe('MODE #club');
  await say(club, 'Helo everybody');
  await joeHears('PRIVMSG #club :Helo everybody');
  const area = `converse-muc[jid="${club}"] textarea.chat-textarea`;
  await (await page.waitForSelector(area)).click();
  await page.keyboard.press('ArrowUp');
  await page.waitForSelector(`${area}.correcting`, { timeout: limit });
  await page.$eval(area, (e) => { e.value = ''; });
  await page.type(area, 'Hello everybody');
  await page.keyboard.press('Enter');
  const heard = await joeHears('PRIVMSG #club :.*Hello everybody');
  await until('one corrected message', (jid) => {
    const all = inner.state.chatboxes.get(jid).messages.filter((m) => /everybody/.test(m.getMessageText() ?? ''));
    const shown = all.map((m) => [m.getMessageText(), !!m.get('edited')]);
    return (all.length === 1 && shown[0][0] === 'Hello everybody' && shown[0][1]) || { not: shown };
  }, club);
  return heard.replace(/^.*PRIVMSG/, 'IRC:');
});

console.log('not offered\treaction\t\tConverse 12 has no reactions');

await step('kick', async () => {
  await say(club, '/kick joe too loud');
  await joeHears('KICK #club joe');
  await until('joe to be gone', (jid) => !inner.state.chatboxes.get(jid).occupants.models.some((o) => o.get('nick') === 'joe' && o.get('presence') === 'online'), club);
});

await step('ban', async () => {
  await joe('JOIN #club');
  await until('joe to be back', (jid) => inner.state.chatboxes.get(jid).occupants.models.some((o) => o.get('nick') === 'joe' && o.get('presence') === 'online'), club);
  const r = await room(club);
  await say(club, '/ban joe for ever');
  await joeHears('KICK #club joe');
  await joe('JOIN #club');
  await joeHears(' 474 ');
  return r.occupants.map((o) => `${o.nick} ${o.affiliation}/${o.role} ${o.jid}`).join(', ');
});

await step('restart', async () => {
  await open();
  if (!(await page.evaluate(() => window.inner?.api.connection.connected()).catch(() => false)) && await page.waitForSelector('input[name=password]', { visible: true, timeout: 5000 }).catch(() => null)) await login();
  await entered(club);
  await until('Bob to be online', (bob) => inner.state.roster.get(bob)?.getStatus() === 'online', bob);
  await page.evaluate((jid) => inner.state.chatboxes.get(jid).maybeShow(true), club);
  await sleep(1000);
  const shown = await page.evaluate(() => document.querySelector('converse-muc-disconnected, .modal.show .alert-danger')?.textContent);
  check(!shown, `after the restart: ${shown}`);
  const errors = (await room(club)).messages.filter((m) => m.type === 'error');
  check(!errors.length, `errors in the room: ${JSON.stringify(errors)}`);
});

await step('unregister', async () => {
  await command(/^unregister|^remove my account from this/i);
  await picture('unregister-form');
  await submit({});
  await until('the command to be done', () => /Completed/.test(document.querySelector('converse-adhoc-commands > .alert')?.textContent) ||
    { not: document.querySelector('converse-adhoc-commands')?.innerText });
  await closeModal();
  await until('the contacts to be gone', (icq) => {
    const left = inner.state.roster.filter((c) => c.get('jid').endsWith(icq)).map((c) => `${c.get('jid')} ${c.get('subscription')}`);
    return !left.length || { not: left };
  }, icq);
});

console.log('done');
process.exit(0);
