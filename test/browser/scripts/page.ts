/** Starts one script as a classic worker and as a service worker, and shows what they answer. */
const show = (id: string, answer: string): void => {
  const output = document.getElementById(id);
  if (output) output.textContent = answer;
};
const thread = new URL('worker.js', location.href).href;

const classic = new Worker('task.js');
classic.onmessage = ({ data }: MessageEvent<string>) => show('classic', data);
classic.onerror = ({ message }) => show('classic', message);
classic.postMessage(thread);

navigator.serviceWorker.onmessage = ({ data }: MessageEvent<string>) => show('service', data);
navigator.serviceWorker
  .register('task.js')
  .then(() => navigator.serviceWorker.ready)
  .then(
    ({ active }) => active?.postMessage(thread),
    (error) => show('service', String(error)),
  );

export {};
