/** The file of class-transformer that holds the metadata of its decorators; the package has no types for it. */
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: unknown;
}
