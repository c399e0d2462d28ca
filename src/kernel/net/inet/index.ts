/** The IP family. */
export {};
