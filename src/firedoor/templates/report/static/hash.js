// Makes the hashes of pictures on the device of whoever asks for their removal.
//
// Decides what may be hashed, what is said about it, and that the hidden field holds hashes and nothing else: one line
// `pdq:<64 hexadecimal digits>` for the picture and for each way in which it may be mirrored or rotated. The picture is
// read into memory, hashed by pdq.js and forgotten; nothing here asks the network for anything, so it works offline.
//
// The page gives a part like this one, hidden so that nobody who has no scripts sees a control that does nothing. The
// file has no name, so a browser never sends it with the form. The texts follow the page's language; a page may give its
// own. Hashes that the field holds already, when a form comes back to be corrected, are kept.
//
//   <div data-hash hidden data-say-made="Bild {number}: ...">
//     <input type="file" id="picture" accept="image/*" multiple>
//     <p data-hash-note></p> <ul data-hash-list></ul> <p data-hash-said role="status"></p>
//     <input type="hidden" name="hashes">
//   </div>

"use strict";

(function () {
  const WORST = 50; // of 100: its authors do not use hashes below
  const MOST = 8; // pictures: eight hashes each are the 64 that a request may hold
  const LARGEST = 100 * 1024 * 1024; // bytes of a file
  const AREA = 4096 * 4096; // pixels; telephones give a page no larger canvas

  // In the languages of the page. `{most}` and the like are filled in.
  const SAY = {
    en: {
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
      before: "The hashes that you made before are still here.",
      remove: "Remove picture {number}",
      remove_before: "Remove these hashes",
    },
    de: {
      note:
        "Ihr Bild bleibt auf diesem Gerät. Mit dem Formular wird nur eine daraus gebildete Zahl gesendet, ein Hashwert. " +
        "Er hilft, Kopien zu finden, auch gespiegelte oder gedrehte, aber keine Ausschnitte. " +
        "Sie brauchen ihn nicht, um die Entfernung zu verlangen.",
      working: "Bild {number}: einen Moment bitte.",
      made: "Bild {number}: Der Hashwert ist gebildet. Qualität {quality} von 100. Das Bild ist auf diesem Gerät geblieben.",
      poor:
        "Bild {number}: zu wenig darauf für einen Hashwert (Qualität {quality} von 100; mindestens 50 sind nötig). " +
        "Sie können das Formular ohne ihn absenden.",
      refused:
        "Bild {number}: Diese Seite liest Fotos als JPEG, PNG, WebP oder AVIF; dies ist keines oder es ist beschädigt. " +
        "Sie können das Formular ohne ihn absenden.",
      large: "Bild {number}: Die Datei ist größer als 100 MB. Sie können das Formular ohne ihn absenden.",
      many: "Hier lassen sich höchstens {most} Bilder hinzufügen.",
      before: "Die Hashwerte, die Sie vorhin gebildet haben, sind noch da.",
      remove: "Bild {number} entfernen",
      remove_before: "Diese Hashwerte entfernen",
    },
    fr: {
      note:
        "Votre image reste sur cet appareil. Seul un nombre calculé à partir d'elle, une empreinte, est envoyé avec le " +
        "formulaire. Il aide à retrouver les copies, même inversées ou tournées, mais pas les parties découpées. " +
        "Vous n'en avez pas besoin pour demander le retrait.",
      working: "Image {number} : un instant, s'il vous plaît.",
      made: "Image {number} : l'empreinte est calculée. Qualité {quality} sur 100. L'image est restée sur cet appareil.",
      poor:
        "Image {number} : trop uniforme pour une empreinte (qualité {quality} sur 100 ; il faut au moins 50). " +
        "Vous pouvez envoyer le formulaire sans elle.",
      refused:
        "Image {number} : cette page lit les photos en JPEG, PNG, WebP ou AVIF ; ce fichier n'en est pas une ou est " +
        "endommagé. Vous pouvez envoyer le formulaire sans elle.",
      large: "Image {number} : le fichier dépasse 100 Mo. Vous pouvez envoyer le formulaire sans elle.",
      many: "Vous pouvez ajouter ici au plus {most} images.",
      before: "Les empreintes que vous avez calculées auparavant sont toujours là.",
      remove: "Retirer l'image {number}",
      remove_before: "Retirer ces empreintes",
    },
    es: {
      note:
        "Su imagen se queda en este dispositivo. Con el formulario solo se envía un número calculado a partir de ella, " +
        "una huella. Ayuda a encontrar copias, también reflejadas o giradas, pero no recortes. " +
        "No la necesita para pedir la retirada.",
      working: "Imagen {number}: un momento, por favor.",
      made: "Imagen {number}: la huella está hecha. Calidad {quality} de 100. La imagen se ha quedado en este dispositivo.",
      poor:
        "Imagen {number}: demasiado uniforme para una huella (calidad {quality} de 100; se necesita al menos 50). " +
        "Puede enviar el formulario sin ella.",
      refused:
        "Imagen {number}: esta página lee fotos en JPEG, PNG, WebP o AVIF; este archivo no lo es o está dañado. " +
        "Puede enviar el formulario sin ella.",
      large: "Imagen {number}: el archivo supera los 100 MB. Puede enviar el formulario sin ella.",
      many: "Aquí se pueden añadir como máximo {most} imágenes.",
      before: "Las huellas que hizo antes siguen aquí.",
      remove: "Quitar la imagen {number}",
      remove_before: "Quitar estas huellas",
    },
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
    const language = document.documentElement.lang.slice(0, 2);
    let number = 0;
    let queue = Promise.resolve();

    function say(key, values) {
      const own = part.getAttribute("data-say-" + key) || (SAY[language] || SAY.en)[key];
      return own.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
    }

    function write() {
      const hashes = new Set([...kept.values()].flat());
      field.value = [...hashes].map((hash) => "pdq:" + hash).join("\n");
    }

    function listed(picture, text, remove) {
      const row = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.textContent = remove;
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
      if (new Set([...kept.values()].flat()).size > (MOST - 1) * 8) {
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
      listed(picture, said.textContent, say("remove", { number: picture }));
    }

    function keepWhatWasThere() {
      const hashes = field.value.split(/\s+/).filter(Boolean).map((line) => line.replace(/^pdq:/, ""));
      if (!hashes.length) return;
      kept.set(0, hashes);
      listed(0, say("before", {}), say("remove_before", {}));
    }

    input.removeAttribute("name"); // should a page have given it one: with a name the picture would travel
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // the page lets go of the picture, and the same one can be chosen again
      for (const file of files) queue = queue.then(() => take(file));
    });
    keepWhatWasThere();
    part.querySelector("[data-hash-note]").textContent = say("note", {});
    part.hidden = false;
  }

  if (typeof createImageBitmap === "function") document.querySelectorAll("[data-hash]").forEach(wire);
})();
