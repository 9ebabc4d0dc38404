// A small piece of work for a form that is sent while very many are: SHA-256 of "token.number" begins with zero bits.
//
// Decides when the form goes: at once where the page asks for no work, else as soon as a number is found. Works in short
// pieces, so that the page answers meanwhile. Nothing of what was typed is looked at, and nobody is asked. Without
// scripts the same form waits instead. Source of the function: FIPS 180-4.

"use strict";

(function () {
  const PIECE = 20000; // tries between two looks at the page
  const K = new Uint32Array(64);
  const START = new Uint32Array(8);
  const W = new Uint32Array(64);

  (function () {
    let found = 0;
    for (let n = 2; found < 64; n++) {
      let prime = true;
      for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
      if (!prime) continue;
      if (found < 8) START[found] = (Math.sqrt(n) % 1) * 4294967296;
      K[found++] = (Math.cbrt(n) % 1) * 4294967296;
    }
  })();

  const turn = (x, n) => (x >>> n) | (x << (32 - n));

  // The first 32 bits of the hash of a text of at most 55 bytes, which is one block.
  function first(text) {
    W.fill(0);
    for (let i = 0; i < text.length; i++) W[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
    W[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
    W[15] = text.length * 8;
    for (let i = 16; i < 64; i++) {
      const a = W[i - 15], b = W[i - 2];
      W[i] = W[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + W[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = START;
    for (let i = 0; i < 64; i++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    return (START[0] + a) >>> 0;
  }

  function solved(token, bits) {
    const most = 2 ** (32 - bits);
    return new Promise((then) => {
      let number = 0;
      (function piece() {
        for (const end = number + PIECE; number < end; number++) {
          if (first(token + "." + number) < most) return then(number);
        }
        setTimeout(piece, 0);
      })();
    });
  }

  document.querySelectorAll("form[data-proof]").forEach((form) => {
    let working = false;
    form.addEventListener("submit", (event) => {
      if (form.elements.number.value) return;
      event.preventDefault();
      if (working) return;
      working = true;
      form.querySelector("[data-proof-said]").textContent = form.dataset.say;
      solved(form.elements.once.value, Number(form.dataset.proof)).then((number) => {
        form.elements.number.value = String(number);
        form.submit();
      });
    });
  });
})();
