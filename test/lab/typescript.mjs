import { register } from 'node:module';

/** From here on Node loads the TypeScript of the project. */
export function useTypeScript() {
  register('./typescript-loader.mjs', import.meta.url);
}
