// Asks for an API key, after the node has refused to answer without one.

import { useState } from 'preact/hooks';
import { apiKey, get, messageFor, setKey } from '../api';
import { Mark } from './icons';

export function SignIn() {
  const [error, setError] = useState('');
  const submit = async (event: Event) => {
    event.preventDefault();
    const field = (event.target as HTMLFormElement).elements.namedItem('key') as HTMLInputElement;
    apiKey.value = field.value.trim();
    try {
      await get('whoami');
      setKey(apiKey.value);
    } catch (problem) {
      apiKey.value = '';
      setError(messageFor(problem));
      field.select();
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <Mark />
        <h1>Sign in to Tandem</h1>
        <p class="dim">This node asks for an API key. It stays in this tab and is forgotten when the tab closes.</p>
        <label>
          API key
          <input name="key" type="password" autocomplete="off" autofocus required spellcheck={false} />
        </label>
        {error && <p class="wrong" role="alert">{error}</p>}
        <button class="primary">Sign in</button>
        <p class="dim">No key yet? An operator makes one: <code>tandem keys create --name NAME</code></p>
      </form>
    </main>
  );
}
