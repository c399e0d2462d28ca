/** Importing this declares every exported symbol and registers what implements it. */
import './declarations/index.ts';
