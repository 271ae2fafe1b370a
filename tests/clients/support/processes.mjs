// Programs that run beside the tests and end with them, however those end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set();

/** For those who cannot go on: nothing that was started stays, and keeps this process from its end. */
export function kill_all() {
  for (const child of running) child.kill('SIGKILL');
}
process.on('exit', kill_all);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** Starts a program; `log()` is what it wrote so far. The kernel kills it when this process is killed. */
export function start(program, args, { env = {} } = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  running.add(child);
  let out = '';
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; log += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { log += text; });
  const ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return signal ?? code;
  });
  return {
    log: () => log,
    kill: (signal) => child.kill(signal),
    ended,
    /** The first line that `pattern` matches, as its match; throws when the program ends or `limit_ms` pass first. */
    line(pattern, limit_ms = 60_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => fail('did not say it in time'), limit_ms);
        const look = () => {
          const found = (pattern.source.startsWith('^') ? out : log).match(pattern);
          if (!found) return;
          clearTimeout(timer);
          resolve(found);
        };
        const fail = (why) => {
          clearTimeout(timer);
          reject(new Error(`${program} ${why} (${pattern}):\n${log}`));
        };
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        child.once('exit', () => fail('ended'));
        child.once('error', (error) => fail(error.message));
        look();
        if (child.exitCode !== null || child.signalCode !== null) fail('ended');
      });
    },
    async stop(limit_ms = 30_000) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), limit_ms);
      const code = await ended;
      clearTimeout(timer);
      return code;
    },
  };
}

/** Runs a program to its end; its stdout. Throws when it fails. */
export async function run(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { err += text; });
  const [code] = await once(child, 'close');
  running.delete(child);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${err}${out}`);
  return out;
}
