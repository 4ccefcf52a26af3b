/** The bundler takes them into the style sheet of the page. */
declare module '*.css';
