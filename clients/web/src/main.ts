/** The page: one machine's terminal and console, or a list of machines to choose from. */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { type Socket, TerminalConnection, type TerminalView } from '../../shared/connection.ts';
import { openSocket, Problem, request, takeToken, type Vm } from './api.ts';
import './style.css';

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

function badge(id: string, text: string, tone: 'good' | 'bad' | 'busy'): void {
  const node = element(id);
  node.textContent = text;
  node.dataset.tone = tone;
  node.hidden = false;
}

function say(text: string): void {
  element('message').textContent = text;
  element('message').hidden = false;
}

/** A terminal in a panel of the page; connects when it is first shown. */
function terminalPanel(vm: Vm, panel: 'terminal' | 'console'): { show(): void } {
  const term = new Terminal({ fontFamily: 'ui-monospace, monospace', fontSize: 14, scrollback: 5000 });
  const fit = new FitAddon();
  term.loadAddon(fit);
  let opened = false;
  const view: TerminalView = {
    write: (bytes, done) => term.write(bytes, done),
    reset: () => term.reset(),
    size: () => ({ rows: term.rows, cols: term.cols }),
    status: (status) =>
      badge(
        'connection',
        status === 'waiting' ? 'reconnecting…' : status,
        status === 'connected' ? 'good' : 'busy',
      ),
    viewers: (viewers) => {
      element('viewers').textContent =
        viewers.length < 2
          ? ''
          : `here: ${viewers.map((one) => one.label + (one.writer ? '' : ' (watching)')).join(', ')}`;
    },
    ended: (end) => {
      badge('connection', 'closed', 'bad');
      const why = 'error' in end ? end.error : `ended (${end.signal ?? `exit status ${end.exitCode}`})`;
      term.write(`\r\n\x1b[2m[${why}; press Enter for a new session]\x1b[0m\r\n`);
      const again = term.onData((data) => {
        if (data !== '\r') return;
        again.dispose();
        term.reset();
        connect();
      });
    },
  };
  let connection: TerminalConnection;
  const connect = (): void => {
    connection = new TerminalConnection(
      (query) => openSocket(`/vms/${vm.id}/${panel}`, query) as unknown as Promise<Socket>,
      view,
    );
    void connection.connect();
  };
  term.onData((data) => connection.type(data));
  term.onBinary((data) => connection.type(Uint8Array.from(data, (char) => char.charCodeAt(0))));
  term.onResize((size) => connection.resize(size));
  addEventListener('resize', () => opened && fit.fit());
  return {
    show: () => {
      if (!opened) {
        opened = true;
        term.open(element(panel));
        fit.fit();
        connect();
      }
      fit.fit();
      term.focus();
    },
  };
}

/** Shows a machine's state, and again every few seconds. */
async function watchState(id: string): Promise<void> {
  try {
    const vm = await request<Vm>('GET', `/vms/${id}`);
    badge('vm-state', vm.state, vm.state === 'ACTIVE' ? 'good' : vm.state === 'ERROR' ? 'bad' : 'busy');
    const health = vm.kernel?.health ?? vm.health;
    if (health) badge('kernel-health', `kernel ${health}`, health === 'running' ? 'good' : 'bad');
  } catch (error) {
    if (error instanceof Problem && error.status < 500 && error.status !== 429) return;
  }
  setTimeout(() => void watchState(id), 5000);
}

function openVm(vm: Vm): void {
  document.title = `${vm.name} · Oopsbox`;
  element('vm-name').textContent = vm.name;
  const panels = { terminal: terminalPanel(vm, 'terminal'), console: terminalPanel(vm, 'console') };
  const tabs = [...element('tabs').querySelectorAll<HTMLElement>('[data-tab]')];
  const select = (name: 'terminal' | 'console'): void => {
    for (const tab of tabs) tab.setAttribute('aria-selected', String(tab.dataset.tab === name));
    for (const panel of ['terminal', 'console'] as const) element(panel).hidden = panel !== name;
    panels[name].show();
  };
  for (const tab of tabs)
    tab.addEventListener('click', () => select(tab.dataset.tab as 'terminal' | 'console'));
  element('tabs').hidden = false;
  select('terminal');
  void watchState(vm.id);
}

async function chooseVm(wanted: string | null): Promise<void> {
  const { items } = await request<{ items: Vm[] }>('GET', '/vms');
  const found = wanted === null ? items : items.filter((vm) => vm.id === wanted || vm.name === wanted);
  if (found.length === 1) return openVm(found[0]);
  if (items.length === 0)
    return say('You have no machine yet. Ask your instructor, or make one with: npx oopsbox vm create NAME');
  if (wanted !== null && found.length === 0) return say(`You have no machine ${wanted}.`);
  for (const vm of found) {
    const link = document.createElement('a');
    link.href = `?vm=${encodeURIComponent(vm.id)}`;
    link.textContent = `${vm.name} (${vm.state})`;
    const item = document.createElement('li');
    item.append(link);
    element('vm-list').append(item);
  }
  element('chooser').hidden = false;
}

async function main(): Promise<void> {
  if (!takeToken())
    return say('Sign in with the link that your server printed, or that you get from: npx oopsbox link VM');
  await chooseVm(new URLSearchParams(location.search).get('vm'));
}

main().catch((error: Error) => say(error.message));
