// A small HTTP endpoint beside the namespace: how deep the queues are (Azure tells that through its admin API, which
// cannot run locally), and faults on request. Loopback only, for tests and the local run.
import { once } from 'node:events';
import { createServer } from 'node:http';

/** The lasting faults, all off. */
export const noFaults = () => ({ rejectTokens: false, rejectSends: '', dispositionDelayMs: 0 });

/** Serves the endpoint on 127.0.0.1. Returns { port, close() }. */
export async function control({ namespace, faults, broker, port }) {
  const routes = {
    'GET /queues': () => {
      namespace.tick();
      return namespace.depths;
    },
    'GET /faults': () => faults,
    'DELETE /faults': () => Object.assign(faults, noFaults()),
    'POST /faults': (wanted) => inject(wanted, { namespace, faults, broker }),
  };
  const server = createServer((request, response) => respond(routes, request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: server.address().port, close };
}

/** What POST /faults understands: settings that last, and names of queues (or true) for what happens at once. */
function inject(wanted, { namespace, faults, broker }) {
  const known = (name) => namespace.find(name) ?? fail(`no queue ${name}`);
  const once = {
    detachLinks: (name) => broker.detachLinks(known(name)),
    loseLocks: (name) => known(name).loseLocks(),
    dropConnections: () => broker.dropConnections(),
  };
  for (const name of Object.keys(wanted)) if (!(name in once) && !(name in faults)) fail(`no fault ${name}`);
  const done = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (name in faults) faults[name] = value;
    else if (value) done[name] = once[name](value);
  }
  return { ...faults, ...done };
}

async function respond(routes, request, response) {
  try {
    const route = routes[`${request.method} ${request.url}`];
    if (!route) return send(response, 404, { error: `${request.method} ${request.url} is not served` });
    let body = '';
    for await (const chunk of request) body += chunk;
    send(response, 200, route(body ? JSON.parse(body) : {}));
  } catch (error) {
    send(response, 400, { error: error.message });
  }
}

const send = (response, status, body) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body) + '\n');

function fail(text) {
  throw new Error(text);
}
