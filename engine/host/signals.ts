/** Signals by which the system asks a process to end. */

/** Calls `stop` at the first SIGTERM or SIGINT, and `force` at a second one. Returns how to listen no more. */
export function onStopSignal(stop: (signal: string) => void, force: () => void): () => void {
  let count = 0;
  const listener = (signal: NodeJS.Signals): void => {
    if (count++ === 0) stop(signal);
    else force();
  };
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return () => {
    process.off('SIGTERM', listener);
    process.off('SIGINT', listener);
  };
}

/** Calls `reload` at each SIGHUP. Returns how to listen no more. */
export function onReloadSignal(reload: () => void): () => void {
  process.on('SIGHUP', reload);
  return () => {
    process.off('SIGHUP', reload);
  };
}

/** Calls `tidy` at a SIGTERM or SIGINT, and then lets the signal do what it does by itself. Returns how to listen no more. */
export function beforeSignal(tidy: () => void): () => void {
  const listener = (signal: NodeJS.Signals): void => {
    leave();
    tidy();
    process.kill(process.pid, signal);
  };
  const leave = (): void => {
    process.off('SIGTERM', listener);
    process.off('SIGINT', listener);
  };
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return leave;
}
