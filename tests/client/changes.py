#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""changes.py write FOLDER SEED [WRITERS]: changes unikernels, keys, volumes and networks by chance, several at a time,
until it is killed, and prints a line before each change ("begin ID JSON") and one when it is acknowledged ("done ID") or
refused ("refused ID REASON"). FOLDER is for the files that are handed over, and has the log of before, if there is one;
every second writer is user alice.

changes.py check LOG: reads all those lines, of several runs after each other, and holds what there is against what was
acknowledged: that must be there, and what was begun and not answered must be there whole or not at all. Which of the two
becomes known by this, so it appends and prints a line for it ("found ID yes" or "no", or "volume"). Prints a sentence for
all that is wrong, and exits with 1 then."""

import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import threading

IMAGE = "/shruthi/build/tests/guest/guest-keys.virtio"
STATE = "/var/lib/shruthi"
SEALED = "/etc/credstore.encrypted"
# By a name that begins so a writer knows its own; the writers never meet.
NAME = re.compile(r"w\d+-[unv]\d")
UNIKERNELS = VOLUMES = 3
VOLUME_SIZE = 1 << 20
WORDS = ("", "--exit=0", "--tick=500", "--hello=world")


def shruthictl(user, *arguments, **options):
    command = ["shruthictl", "--no-ask-password", *arguments]
    if user != "root":
        command = ["runuser", "--user", user, "--", "env", "-i", "--chdir=/", "PATH=/usr/bin:/bin", *command]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


# ── What a change does to what there is: {"u": {name: …}, "v": {name: …}, "n": {name: True}} ──

def nothing():
    return {"u": {}, "v": {}, "n": {}}


def apply(state, change):
    what, name = change["what"], change["name"]
    if what == "create":
        state["u"][name] = {key: change[key] for key in ("memory", "arguments", "image")} | {"keys": {}}
        # One that is there already is taken as it is.
        state["v"].setdefault(name + "-storage", {"size": VOLUME_SIZE, "content": None})
    elif what == "set":
        state["u"][name].update(memory=change["memory"], arguments=change["arguments"])
    elif what == "image":
        state["u"][name]["image"] = change["image"]
    elif what in ("credential set", "credential rotate"):
        state["u"][name]["keys"][change["key"]] = change["content"]
    elif what == "credential remove":
        del state["u"][name]["keys"][change["key"]]
    elif what == "remove":
        del state["u"][name]
    elif what in ("volume create", "volume import"):
        state["v"][name] = {"size": change["size"], "content": change.get("content")}
    elif what == "volume resize":
        state["v"][name]["size"] = change["size"]
    elif what == "volume remove":
        del state["v"][name]
    elif what == "network create":
        state["n"][name] = True
    elif what == "network remove":
        del state["n"][name]


def apply_volume(state, change):
    """What is made first for a unikernel and may be there without it: an empty volume, which the next to make it gets."""
    if change["what"] == "create":
        state["v"].setdefault(change["name"] + "-storage", {"size": VOLUME_SIZE, "content": None})


# What a change that was cut short may turn out to be.
ANSWERS = {"no": lambda state, change: None, "yes": apply, "volume": apply_volume}


# ── Making changes ───────────────────────────────────────────────────────────────────────────────────────────────────

class Writer(threading.Thread):
    """Makes changes to what is its own, one after the other."""

    lock = threading.Lock()

    def __init__(self, folder, number, seed, state, first):
        super().__init__(daemon=True)
        self.folder, self.prefix, self.random = folder, f"w{number}-", random.Random(f"{seed} {number}")
        self.user = "alice" if number % 2 else "root"
        self.state, self.next = state, first

    def say(self, *words):
        with self.lock:
            os.write(1, (" ".join(words) + "\n").encode())

    def file(self, content):
        path = os.path.join(self.folder, self.prefix + "file")
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o644)
        return path

    def own(self, kind):
        return sorted(name for name in self.state[kind] if name.startswith(self.prefix))

    def choose(self):
        """A change that is possible now."""
        chance, name = self.random, f"{self.prefix}u{self.random.randrange(UNIKERNELS)}"
        volume, network = f"{self.prefix}v{chance.randrange(VOLUMES)}", f"{self.prefix}n0"
        kind = chance.choice("uuuuuvvvn")
        if kind == "n":
            return {"what": "network remove" if network in self.state["n"] else "network create", "name": network}
        if kind == "v":
            return self.choose_volume(volume)
        if name not in self.state["u"]:
            return {"what": "create", "name": name, **self.settings(), "image": chance.randbytes(8).hex()}
        keys, what = self.state["u"][name]["keys"], chance.randrange(10)
        if what < 1:
            return {"what": "remove", "name": name}
        if what < 4:
            return {"what": "set", "name": name, **self.settings()}
        if what < 5:
            return {"what": "image", "name": name, "image": chance.randbytes(8).hex()}
        key, content = f"k{chance.randrange(3)}", chance.randbytes(chance.randrange(1, 3000)).hex()
        if key not in keys:
            return {"what": "credential set", "name": name, "key": key, "content": content}
        if what < 7:
            return {"what": "credential remove", "name": name, "key": key}
        return {"what": "credential rotate", "name": name, "key": key, "content": content}

    def choose_volume(self, name):
        size = VOLUME_SIZE * self.random.randrange(1, 4)
        if name not in self.state["v"]:
            if self.random.randrange(4) == 0:
                return {"what": "volume create", "name": name, "size": size}
            return {"what": "volume import", "name": name, "size": size, "content": self.random.randbytes(8).hex()}
        if self.random.randrange(3) == 0 and self.state["v"][name]["size"] < size:
            return {"what": "volume resize", "name": name, "size": size}
        return {"what": "volume remove", "name": name}

    def settings(self):
        return {"memory": self.random.randrange(17, 33), "arguments": self.random.choice(WORDS)}

    def make(self, change):
        what, name = change["what"], change["name"]
        settings = [f"--memory={change.get('memory')}M", f"--arguments={change.get('arguments')}"]
        if what in ("create", "image"):
            image = self.file(image_content(change["image"]))
        if what == "create":
            return shruthictl(self.user, "create", name, image, "--network=service:virbr0", "--credentials=keys",
                              "--volume=storage:size=1M", *settings)
        if what == "set":
            return shruthictl(self.user, "set", name, *settings)
        if what == "image":
            return shruthictl(self.user, "set", name, f"--image={image}")
        if what.startswith("credential"):
            words = [*what.split(), name, change["key"]]
            return shruthictl(self.user, *words, input=bytes.fromhex(change.get("content", "")))
        if what == "volume import":
            return shruthictl(self.user, "volume", "import", name, self.file(volume_content(change)))
        if what in ("volume create", "volume resize"):
            size = [f"--size={change['size']}"] if what == "volume create" else [str(change["size"])]
            return shruthictl(self.user, *what.split(), name, *size)
        return shruthictl(self.user, *what.split(), name)

    def run(self):
        while True:
            change = self.choose()
            identity = f"{self.prefix}{self.next}"
            self.next += 1
            self.say("begin", identity, json.dumps(change))
            done = self.make(change)
            if done.returncode == 0:
                apply(self.state, change)
                self.say("done", identity)
            else:
                # Where there is no disk any more, that says nothing: it counts as not answered, like the rest.
                self.say("refused", identity, done.stdout.decode(errors="replace").replace("\n", " ")[:300])
                return


def image_content(token):
    """An image of its own: what stands behind an ELF file is nothing to those who load it."""
    with open(IMAGE, "rb") as file:
        return file.read() + bytes.fromhex(token)


def volume_content(change):
    return random.Random(change["content"]).randbytes(change["size"])


def write(folder, seed, writers="3"):
    state, number = nothing(), {}
    if os.path.exists(os.path.join(folder, "log")):
        state, number = replay(os.path.join(folder, "log"))[0::2]
    threads = [Writer(folder, i, seed, state, number.get(f"w{i}-", 0)) for i in range(int(writers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ── Looking after it ─────────────────────────────────────────────────────────────────────────────────────────────────

def replay(log):
    """What was acknowledged or found, changes that are open, and the next number for each writer."""
    state, opened, number = nothing(), {}, {}
    with open(log) as lines:
        for line in lines:
            # The last one may have been cut off.
            words = line.rstrip("\n").split(" ", 2)
            if not line.endswith("\n") or len(words) < 2:
                continue
            if words[0] == "begin":
                opened[words[1]] = json.loads(words[2])
                prefix, _, count = words[1].rpartition("-")
                number[prefix + "-"] = int(count) + 1
            elif words[0] == "done":
                apply(state, opened.pop(words[1]))
            elif words[0] == "found":
                ANSWERS[words[2]](state, opened.pop(words[1]))
    return state, opened, number


def keys_of(name):
    """The keys with their content, as systemd would hand them to the unit; None where they cannot be unsealed."""
    path = f"{SEALED}/shruthi.{name}"
    if not os.path.exists(path):
        return {}
    done = subprocess.run(["systemd-creds", "decrypt", f"--name=shruthi.{name}", path, "-"], capture_output=True)
    if done.returncode != 0:
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        return {entry.name: archive.extractfile(entry).read().hex() for entry in archive}


def look_unikernel(name, wrong):
    text = shruthictl("root", "cat", name).stdout.decode()
    value = {key: one for key, one in re.findall(r"^(Memory|Arguments|Image)=(.*)$", text, re.M)}
    listed = shruthictl("root", "--json=short", "credential", "list", name)
    keys = keys_of(name)
    if listed.returncode != 0 or keys is None or [one["Key"] for one in json.loads(listed.stdout)] != sorted(keys):
        wrong.append(f"the keys of {name} are listed as {listed.stdout} and are {keys and sorted(keys)}")
    stored = f"{STATE}/images/{value.get('Image', '').removeprefix('sha256:')}"
    token = None
    if os.path.isfile(stored):
        with open(stored, "rb") as file:
            token = file.read()[-8:].hex()
    return {"memory": int(value.get("Memory", "0M")[:-1]), "arguments": value.get("Arguments", ""), "image": token,
            "keys": keys}


def look_volume(name):
    size = int(shruthictl("root", "volume", "show", name, "-p", "Size", "--value").stdout)
    with open(f"{STATE}/volumes/{name}/data", "rb") as file:
        return {"size": size, "data": hashlib.sha256(file.read()).hexdigest()}


def look(wrong):
    def names(*command):
        done = shruthictl("root", "--json=short", *command)
        if done.returncode != 0:
            wrong.append(f"shruthictl {' '.join(command)}: {done.stdout.decode()}")
            return []
        return [one["Name"] for one in json.loads(done.stdout) if NAME.match(one["Name"])]

    return {"u": {name: look_unikernel(name, wrong) for name in names("list")},
            "v": {name: look_volume(name) for name in names("volume", "list")},
            "n": {name: True for name in names("network", "list")}}


def volume_digest(volume):
    """Whatever it was made larger since: zeros."""
    data = b""
    if volume["content"]:
        data = volume_content({"content": volume["content"], "size": volume["first"]})
    return hashlib.sha256(data + bytes(volume["size"] - len(data))).hexdigest()


def differences(expected, found):
    for kind, word in (("u", "unikernel"), ("v", "volume"), ("n", "network")):
        for name in sorted(expected[kind].keys() | found[kind].keys()):
            want, have = expected[kind].get(name), found[kind].get(name)
            if kind == "v" and want:
                want = {"size": want["size"], "data": volume_digest(want)}
            if want != have:
                yield name, f"{word} {name} should be {shorten(want)} and is {shorten(have)}"


def shorten(value):
    return re.sub(r"[0-9a-f]{40,}", lambda match: match.group()[:12] + "…", json.dumps(value))


def with_answers(state, opened, answers):
    state = json.loads(json.dumps(state))
    for identity, answer in answers.items():
        ANSWERS[answer](state, opened[identity])
    for volume in state["v"].values():
        volume["first"] = SIZES.get(volume["content"], 0)
    return state


def remember_sizes(log):
    """How large a volume was when it was filled, which is where its content ends."""
    sizes = {}
    with open(log) as lines:
        for line in lines:
            if line.startswith("begin ") and line.endswith("\n"):
                change = json.loads(line.split(" ", 2)[2])
                if change["what"] == "volume import":
                    sizes[change["content"]] = change["size"]
    return sizes


def settle(state, opened, found):
    """Chooses for each open change whether it is there. A writer has one at a time, and its own names."""
    answers = {}
    for identity, change in opened.items():
        prefix = identity.rpartition("-")[0] + "-"
        for answer in ANSWERS:
            trial = with_answers(state, {identity: change}, {identity: answer})
            if not any(name.startswith(prefix) for name, _ in differences(trial, found)):
                answers[identity] = answer
                break
    return answers


def remains():
    """Temporary files, and sealed keys of what is not there."""
    kept = {".lock", ".released", ".verified", ".paths", ".owners", ".untold"}
    for top in (STATE, "/var/lib/shruthi-seal", "/var/lib/shruthi-hosts", SEALED):
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                if name not in kept and (name.startswith(".") or re.search(r"\.[0-9A-Za-z]{6}$", name)):
                    yield f"{folder}/{name}"


SIZES = {}


def check(log):
    SIZES.update(remember_sizes(log))
    state, opened, _ = replay(log)
    wrong = []
    found = look(wrong)
    # Not before: who is called by this ends the removals that were cut short.
    wrong += [f"{path} is left" for path in remains()]
    answers = settle(state, opened, found)
    state = with_answers(state, opened, answers)
    wrong += [sentence for _, sentence in differences(state, found)]
    for identity in opened.keys() - answers.keys():
        wrong.append(f"{identity}, {shorten(opened[identity])}, is there by half")
    for entry in os.listdir(SEALED) if os.path.isdir(SEALED) else []:
        name = entry.removeprefix("shruthi.")
        if NAME.match(name) and name not in found["u"]:
            wrong.append(f"{SEALED}/{entry} is left")
    for entry in os.listdir(f"{STATE}/images"):
        path = f"{STATE}/images/{entry}"
        if os.path.isfile(path):
            with open(path, "rb") as file:
                if hashlib.sha256(file.read()).hexdigest() != entry:
                    wrong.append(f"{path} is not what its name says")
    lines = "".join(f"found {identity} {answer}\n" for identity, answer in answers.items())
    with open(log, "a") as file:
        file.write(lines)
    print(lines, end="")
    print(f"# {sum(len(state[kind]) for kind in 'uvn')} things; {len(opened)} changes cut short, "
          f"{list(answers.values()).count('yes')} of them there")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit({"write": write, "check": check}[sys.argv[1]](*sys.argv[2:]))
