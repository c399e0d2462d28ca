/** The REST API from the page. Always true: the sign-in token lives in this tab only (sessionStorage), never in an address. */

const KEY = 'oopsbox.token';

export interface Vm {
  id: string;
  name: string;
  state: string;
  health?: string;
  kernel?: { health?: string };
}

/** A problem document of the server (RFC 9457). */
export class Problem extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Takes the token out of a sign-in link (`#token=…`) and wipes it from the address bar. */
export function takeToken(): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token) {
    sessionStorage.setItem(KEY, token);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY);
}

/** Asks the API; throws a {@link Problem} with the server's own words. */
export async function request<T>(method: string, path: string): Promise<T> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ''}`, accept: 'application/json' },
  });
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as { title?: string; detail?: string };
  if (response.status === 401) sessionStorage.removeItem(KEY);
  throw new Problem(
    response.status,
    problem.detail ?? problem.title ?? `the server answered ${response.status}`,
  );
}

/** A WebSocket of the API, opened with a one-use ticket since a browser cannot send an Authorization header with it. */
export async function openSocket(path: string, query: URLSearchParams): Promise<WebSocket> {
  const { ticket } = await request<{ ticket: string }>('POST', '/auth/ticket');
  const url = new URL(`/api/v1${path}`, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  for (const [name, value] of query) url.searchParams.set(name, value);
  url.searchParams.set('ticket', ticket);
  return new WebSocket(url);
}
