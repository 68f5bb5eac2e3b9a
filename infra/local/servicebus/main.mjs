// The command line of the stand-in; see README.md.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { serve } from './amqp.mjs';
import { control, noFaults } from './control.mjs';
import { Journal } from './journal.mjs';
import { Namespace } from './namespace.mjs';

const USAGE = `usage: node main.mjs --queues FILE.json|NAME:LOCK_SECONDS:MAX_DELIVERY:DEDUP_SECONDS,…
                     [--port 5672] [--journal FILE] [--control PORT] [--with-parent]
  --queues       every part but the name may be left out (30 s, 10 deliveries, no duplicate detection)
  --port         where to listen on 127.0.0.1; 0 takes a free port
  --journal      file that keeps the messages over a restart
  --control      port of the HTTP endpoint for depths and faults; 0 takes a free port
  --with-parent  stop when standard input ends, that is with the process that started this one
`;

const OPTIONS = {
  queues: { type: 'string' },
  port: { type: 'string', default: '5672' },
  journal: { type: 'string' },
  control: { type: 'string' },
  'with-parent': { type: 'boolean', default: false },
};

/** The queues of the --queues argument, as Namespace takes them. */
function queueSettings(text) {
  const list = text.endsWith('.json') ? JSON.parse(readFileSync(text, 'utf8')) : text.split(',').map(fromColons);
  return list.map(({ name, lockSeconds = 30, maxDelivery = 10, dedupSeconds = 0, deadLetterExpired = false }) => {
    const numbers = [lockSeconds, maxDelivery, dedupSeconds];
    const sound = numbers.every((n) => Number.isFinite(n) && n >= 0) && lockSeconds > 0 && maxDelivery >= 1;
    if (!name || !sound) throw new Error(`--queues: a queue needs a name and numbers: ${name}:${numbers.join(':')}`);
    return { name, lockMs: lockSeconds * 1000, maxDelivery, dedupMs: dedupSeconds * 1000, deadLetterExpired };
  });
}

function fromColons(text) {
  const [name, ...numbers] = text.split(':');
  const [lockSeconds, maxDelivery, dedupSeconds] = numbers.map((n) => (n === '' ? undefined : Number(n)));
  return { name, lockSeconds, maxDelivery, dedupSeconds };
}

function portOf(text) {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new Error(`not a port: ${text}`);
  return port;
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  if (!values.queues) throw new Error('--queues is missing');
  const journal = values.journal === undefined ? undefined : new Journal(values.journal);
  const namespace = new Namespace(queueSettings(values.queues), { journal });
  const faults = noFaults();
  const broker = await serve({ namespace, faults, port: portOf(values.port) });
  const open = [broker, journal];
  if (values.control !== undefined) {
    const endpoint = await control({ namespace, faults, broker, port: portOf(values.control) });
    open.push(endpoint);
    process.stdout.write(`control on 127.0.0.1:${endpoint.port}\n`);
  }
  const stop = () => {
    open.splice(0).forEach((one) => one?.close());
    process.exit(0);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  if (values['with-parent']) process.stdin.on('end', stop).on('error', stop).resume();
  process.stdout.write(`listening on 127.0.0.1:${broker.port}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n${error.message.startsWith('--') ? USAGE : ''}`);
  process.exit(1);
});
