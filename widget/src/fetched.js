/**
 * What is found at an address, as JSON; empty if nothing is: nothing depends on it.
 *
 * @param {string | URL} url
 */
export const fetched = (url) =>
  fetch(url)
    .then((response) => (response.ok ? response.json() : {}))
    .catch(() => ({}));
