/** /proc/net. */
export {};
