// Makes the hashes of pictures on the device of whoever asks for their removal.
//
// Decides what may be hashed, what is said about it, and that the hidden field holds hashes and nothing else: one line
// `pdq:<64 hexadecimal digits>` for the picture and for each way in which it may be mirrored or rotated. The picture is
// read into memory, hashed by pdq.js and forgotten; nothing here asks the network for anything, so it works offline.
//
// The page gives a part like this one, hidden so that nobody who has no scripts sees a control that does nothing. The
// file has no name, so a browser never sends it with the form. Any text can be given in another language.
//
//   <div data-hash hidden data-say-made="Bild {number}: ...">
//     <input type="file" id="picture" accept="image/*" multiple>
//     <p data-hash-note></p> <ul data-hash-list></ul> <p data-hash-said role="status"></p>
//     <input type="hidden" name="hashes">
//   </div>

"use strict";

(function () {
  const WORST = 50; // of 100: its authors do not use hashes below
  const MOST = 20; // pictures
  const LARGEST = 100 * 1024 * 1024; // bytes of a file
  const AREA = 4096 * 4096; // pixels; telephones give a page no larger canvas

  const SAY = {
    note:
      "Your picture stays on this device. Only a number made from it, a hash, is sent with the form. The number helps " +
      "to find copies, also mirrored or rotated ones, but not cut-out parts. You do not need it to ask for removal.",
    working: "Picture {number}: one moment, please.",
    made: "Picture {number}: the hash is made. Quality {quality} of 100. The picture has stayed on this device.",
    poor:
      "Picture {number}: too plain for a hash (quality {quality} of 100; at least 50 is needed). " +
      "You can send the form without it.",
    refused:
      "Picture {number}: this page reads photographs as JPEG, PNG, WebP or AVIF, and this is none, or it is damaged. " +
      "You can send the form without it.",
    large: "Picture {number}: the file is over 100 MB. You can send the form without it.",
    many: "At most {most} pictures can be added here.",
    remove: "Remove picture {number}",
  };

  // What a file begins with; its name and the kind that a browser claims say nothing. ".." stands for any byte.
  const KINDS = [
    "ffd8ff", // JPEG
    "89504e470d0a1a0a", // PNG
    "52494646........57454250", // WebP: RIFF, a length, WEBP
    "........66747970(61766966|68656963|68656978|6d696631)", // AVIF and HEIC, which some browsers read: ftyp and a name
  ].map((pattern) => new RegExp("^" + pattern));

  async function isPhotograph(file) {
    const first = new Uint8Array(await file.slice(0, 16).arrayBuffer());
    const digits = Array.from(first, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return KINDS.some((kind) => kind.test(digits));
  }

  // Colours as they are in the file: what a profile makes of them differs from device to device.
  async function decoded(file) {
    const picture = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const scale = Math.min(1, Math.sqrt(AREA / (picture.width * picture.height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(picture.width * scale);
    canvas.height = Math.floor(picture.height * scale);
    const brush = canvas.getContext("2d", { willReadFrequently: true });
    brush.imageSmoothingQuality = "high";
    brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return brush.getImageData(0, 0, canvas.width, canvas.height);
  }

  // Returns what to say, and the hashes when there are any. A file that cannot be read is refused, not reported.
  async function hashed(file) {
    if (file.size > LARGEST) return { say: "large" };
    try {
      if (!(await isPhotograph(file))) return { say: "refused" };
      const pixels = await decoded(file);
      const made = globalThis.firedoorPdq(pixels.width, pixels.height, pixels.data);
      if (made.quality < WORST) return { say: "poor", quality: made.quality };
      return { say: "made", quality: made.quality, hashes: Object.values(made.dihedral) };
    } catch {
      return { say: "refused" };
    }
  }

  function wire(part) {
    const input = part.querySelector("input[type=file]");
    const field = part.querySelector("input[name=hashes]");
    const list = part.querySelector("[data-hash-list]");
    const said = part.querySelector("[data-hash-said]");
    const kept = new Map(); // the number of a picture -> its hashes
    let number = 0;
    let queue = Promise.resolve();

    function say(key, values) {
      const own = part.getAttribute("data-say-" + key) || SAY[key];
      return own.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
    }

    function write() {
      const hashes = new Set([...kept.values()].flat());
      field.value = [...hashes].map((hash) => "pdq:" + hash).join("\n");
    }

    function listed(picture, text) {
      const row = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = say("remove", { number: picture });
      button.addEventListener("click", () => {
        kept.delete(picture);
        write();
        row.remove();
        said.textContent = "";
        input.focus();
      });
      row.append(text + " ", button);
      list.append(row);
    }

    async function take(file) {
      if (kept.size >= MOST) {
        said.textContent = say("many", { most: MOST });
        return;
      }
      const picture = ++number;
      said.textContent = say("working", { number: picture });
      await new Promise((then) => setTimeout(then, 30)); // so that the words are shown before the work begins
      const result = await hashed(file);
      said.textContent = say(result.say, { number: picture, quality: result.quality });
      if (!result.hashes) return;
      kept.set(picture, result.hashes);
      write();
      listed(picture, said.textContent);
    }

    input.removeAttribute("name"); // should a page have given it one: with a name the picture would travel
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // the page lets go of the picture, and the same one can be chosen again
      for (const file of files) queue = queue.then(() => take(file));
    });
    part.querySelector("[data-hash-note]").textContent = say("note", {});
    part.hidden = false;
  }

  if (typeof createImageBitmap === "function") document.querySelectorAll("[data-hash]").forEach(wire);
})();
