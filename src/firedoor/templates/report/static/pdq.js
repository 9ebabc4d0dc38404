// PDQ, the perceptual hash of photographs, made from pixels alone.
//
// Decides the hash (256 bits), how good it is (0 to 100) and the hashes of the same picture mirrored and rotated. Uses
// neither the page nor the network, so it gives the same answer in a browser and in Node. Decoding a file is hash.js's.
//
// Source: Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019. Every sum is rounded
// to 32 bits, as in the reference in C++: wherever a frequency lies near the median, a bit depends on the last digits.

"use strict";

(function () {
  const SIDE = 64; // pixels of the small picture that the frequencies are taken from
  const KEPT = 16; // frequencies kept in each direction: 16 x 16 = 256 bits
  const PASSES = 2; // a box filter twice is a tent filter (Jarosz)
  const SMALLEST = 5; // pixels; below that nothing is left to see, and the reference refuses as well
  const round = Math.fround;

  const COSINES = (function () {
    const table = new Float32Array(KEPT * SIDE);
    const scale = round(Math.sqrt(2 / SIDE));
    for (let i = 0; i < KEPT; i++) {
      for (let j = 0; j < SIDE; j++) {
        table[i * SIDE + j] = scale * Math.cos((Math.PI / 2 / SIDE) * (i + 1) * (2 * j + 1));
      }
    }
    return table;
  })();

  // Where the frequency of a turned picture stands (transposed or not) and when its sign changes.
  const TURNS = [
    ["original", false, () => false],
    ["rotated_90", true, (i, j) => (j & 1) === 0],
    ["rotated_180", false, (i, j) => ((i + j) & 1) === 1],
    ["rotated_270", true, (i) => (i & 1) === 0],
    ["mirrored_x", false, (i) => (i & 1) === 0],
    ["mirrored_y", false, (i, j) => (j & 1) === 0],
    ["mirrored_diagonal", true, () => false],
    ["mirrored_antidiagonal", true, (i, j) => ((i + j) & 1) === 1],
  ];

  function luminance(width, height, rgba) {
    const found = new Float32Array(width * height);
    for (let i = 0, at = 0; i < found.length; i++, at += 4) {
      found[i] = rgba[at] * 0.299 + rgba[at + 1] * 0.587 + rgba[at + 2] * 0.114;
    }
    return found;
  }

  // How many pixels one pass averages: half of what becomes one pixel of the small picture, rounded up.
  function windowOf(length) {
    return Math.floor((length + 2 * SIDE - 1) / (2 * SIDE));
  }

  // At each end of a line the window is cut off, and the mean is of what remains in it.
  function steps(length, wide) {
    const ahead = Math.floor((wide + 2) / 2) - 1;
    return { ahead, grow: wide - ahead, slide: length - wide, shrink: ahead };
  }

  function alongRow(from, to, start, plan) {
    let left = start, right = start, out = start, sum = 0, size = 0;
    for (let i = 0; i < plan.ahead; i++, size++) sum = round(sum + from[right++]);
    for (let i = 0; i < plan.grow; i++) {
      sum = round(sum + from[right++]);
      to[out++] = sum / ++size;
    }
    for (let i = 0; i < plan.slide; i++) {
      sum = round(round(sum + from[right++]) - from[left++]);
      to[out++] = sum / size;
    }
    for (let i = 0; i < plan.shrink; i++) {
      sum = round(sum - from[left++]);
      to[out++] = sum / --size;
    }
  }

  // All columns go down side by side: column by column would read the whole memory once for each.
  function alongColumns(from, to, width, plan) {
    const sums = new Float32Array(width);
    let left = 0, right = 0, out = 0, size = 0;
    const add = () => { for (let x = 0; x < width; x++) sums[x] += from[right + x]; right += width; };
    const drop = () => { for (let x = 0; x < width; x++) sums[x] -= from[left + x]; left += width; };
    const write = () => { for (let x = 0; x < width; x++) to[out + x] = sums[x] / size; out += width; };
    for (let i = 0; i < plan.ahead; i++, size++) add();
    for (let i = 0; i < plan.grow; i++) { add(); size++; write(); }
    for (let i = 0; i < plan.slide; i++) { add(); drop(); write(); }
    for (let i = 0; i < plan.shrink; i++) { drop(); size--; write(); }
  }

  function blur(picture, width, height) {
    const other = new Float32Array(picture.length);
    const across = steps(width, windowOf(width)), down = steps(height, windowOf(height));
    for (let pass = 0; pass < PASSES; pass++) {
      for (let y = 0; y < height; y++) alongRow(picture, other, y * width, across);
      alongColumns(other, picture, width, down);
    }
  }

  function small(picture, width, height) {
    const found = new Float32Array(SIDE * SIDE);
    for (let i = 0; i < SIDE; i++) {
      const row = Math.floor(((i + 0.5) * height) / SIDE) * width;
      for (let j = 0; j < SIDE; j++) found[i * SIDE + j] = picture[row + Math.floor(((j + 0.5) * width) / SIDE)];
    }
    return found;
  }

  // Sums the steps between neighbours that one could see. A plain picture has few, and its hash means little.
  function qualityOf(picture) {
    const step = (one, other) => Math.abs(Math.trunc(round(round(round(one - other) * 100) / 255)));
    let sum = 0;
    for (let i = 0; i < SIDE; i++) {
      for (let j = 0; j < SIDE; j++) {
        const at = i * SIDE + j;
        if (i + 1 < SIDE) sum += step(picture[at], picture[at + SIDE]);
        if (j + 1 < SIDE) sum += step(picture[at], picture[at + 1]);
      }
    }
    return Math.min(100, Math.floor(sum / 90));
  }

  function dot(count, one, other) {
    let sum = 0;
    for (let k = 0; k < count; k++) sum = round(sum + round(one(k) * other(k)));
    return sum;
  }

  // The cosine transform, of which only the frequencies 1 to 16 in each direction are made: D A Dt.
  function frequencies(picture) {
    const half = new Float32Array(KEPT * SIDE), found = new Float32Array(KEPT * KEPT);
    for (let i = 0; i < KEPT; i++) {
      for (let j = 0; j < SIDE; j++) {
        half[i * SIDE + j] = dot(SIDE, (k) => COSINES[i * SIDE + k], (k) => picture[k * SIDE + j]);
      }
    }
    for (let i = 0; i < KEPT; i++) {
      for (let j = 0; j < KEPT; j++) {
        found[i * KEPT + j] = dot(SIDE, (k) => half[i * SIDE + k], (k) => COSINES[j * SIDE + k]);
      }
    }
    return found;
  }

  function turned(found, transposed, negative) {
    const other = new Float32Array(found.length);
    for (let i = 0; i < KEPT; i++) {
      for (let j = 0; j < KEPT; j++) {
        const value = found[i * KEPT + j];
        other[transposed ? j * KEPT + i : i * KEPT + j] = negative(i, j) ? -value : value;
      }
    }
    return other;
  }

  // A bit for each frequency above the lower median; the last frequency is the first bit that is written.
  function hex(found) {
    const median = Float32Array.from(found).sort()[found.length / 2 - 1];
    let text = "";
    for (let at = found.length - 4; at >= 0; at -= 4) {
      let digit = 0;
      for (let bit = 3; bit >= 0; bit--) digit = digit * 2 + (found[at + bit] > median ? 1 : 0);
      text += digit.toString(16);
    }
    return text;
  }

  /**
   * Hash a picture. `rgba` holds four bytes a pixel, row by row, as a canvas gives them; transparency is ignored.
   * Returns {hash, quality, dihedral}: 64 hexadecimal digits, 0 to 100, and eight hashes by name, the first of them
   * `hash` itself. Throws RangeError for a picture under 5 pixels and for pixels that do not fit the size.
   */
  function pdq(width, height, rgba) {
    if (!(width >= SMALLEST && height >= SMALLEST)) throw new RangeError("the picture is under 5 pixels wide or high");
    if (rgba.length !== width * height * 4) throw new RangeError("there are not four bytes for each pixel");
    const picture = luminance(width, height, rgba);
    blur(picture, width, height);
    const tiny = small(picture, width, height);
    const found = frequencies(tiny);
    const dihedral = {};
    for (const [name, transposed, negative] of TURNS) dihedral[name] = hex(turned(found, transposed, negative));
    return { hash: dihedral.original, quality: qualityOf(tiny), dihedral };
  }

  globalThis.firedoorPdq = pdq;
})();
