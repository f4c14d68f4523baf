#!/usr/bin/env python3
"""Makes random sentences of the grammar, and checks what the two grammar files must agree on.

    fuzz_grammar.py REPOSITORY check                  the soft words of the lexer are those of the rules `name` and `attributeName`
    fuzz_grammar.py REPOSITORY sentences SEED COUNT   COUNT declarations, one a line

A sentence is made only of what the rules say, so the parser must accept it, and in one way: upg-grammar-check tells.
"""

import pathlib
import random
import re
import sys

NEVER = 999
SPECIAL = {"RANGE": "..", "FIELD": ".f", "HOSTNAME": "controller-0", "INT": "3", "DECIMAL": "1.5", "DURATION": "1h30m", "SIZE": "5GB",
           "PERCENT": "50%", "DATE": "2026-12-31", "EOF": "", "CALL": "\x01("}  # \x01: no blank before it
IDENTIFIERS = ["x", "n", "foo", "bar_1", "state", "gate", "role", "upgrade", "order", "hold"]


class Grammar:
    def __init__(self, repository):
        folder = pathlib.Path(repository) / "grammar"
        self.lexer = (folder / "UpgLexer.g4").read_text(encoding="utf-8")
        parser = re.sub(r"//[^\n]*", "", (folder / "UpgParser.g4").read_text(encoding="utf-8"))
        self.text = dict(re.findall(r"([A-Z_]+)\s*:\s*'([^']*)'", self.lexer)) | SPECIAL
        self.tokens = re.findall(r"[A-Za-z_][A-Za-z_0-9]*|[:;|()*+?]", parser[re.search(r"^file\s*:", parser, re.M).start():])
        self.at = 0
        self.rules = {}
        while self.at < len(self.tokens):
            name = self.tokens[self.at]
            self.at += 2
            self.rules[name] = self._alternatives()
            self.at += 1
        self.depth = {name: NEVER for name in self.rules}
        for _ in self.rules:
            for name, alternatives in self.rules.items():
                self.depth[name] = min([self.depth[name]] + [1 + self.sequence_depth(a) for a in alternatives])

    def _alternatives(self):
        found, current = [], []
        while self.tokens[self.at] not in (";", ")"):
            token = self.tokens[self.at]
            self.at += 1
            if token == "|":
                found.append(current)
                current = []
                continue
            element = token
            if token == "(":
                element = self._alternatives()
                self.at += 1
            repeat = ""
            while self.tokens[self.at] in ("?", "*", "+"):
                repeat += self.tokens[self.at]
                self.at += 1
            current.append((element, repeat))
        found.append(current)
        return found

    def element_depth(self, element):
        if isinstance(element, list):
            return min(self.sequence_depth(a) for a in element)
        return self.depth.get(element, 0)

    def sequence_depth(self, sequence):
        return max([0] + [self.element_depth(e) for e, repeat in sequence if repeat in ("", "+")])

    def words_of(self, rule):
        return {alternative[0][0] for alternative in self.rules[rule]} - {"ID"}

    def leaders(self, rule):
        """Words that an item of the rule begins with; names are none."""
        found = set()
        for alternative in self.rules[rule]:
            found |= self._leaders(alternative)
        return found

    def _leaders(self, sequence):
        found = set()
        for element, repeat in sequence:
            if isinstance(element, list):
                for alternative in element:
                    found |= self._leaders(alternative)
            elif element in ("name", "qname", "attributeName"):
                pass
            elif element in self.rules:
                found |= self.leaders(element)
            elif self.text.get(element, "").isalpha():
                found.add(self.text[element])
            if repeat in ("", "+"):
                break
        return found

    def soft_words(self):
        part = self.lexer[self.lexer.index("ABORT: 'abort'"):self.lexer.index("// ---- names")]
        return set(re.findall(r"([A-Z_]+)\s*:\s*'", part))


class Sentences:
    def __init__(self, grammar, seed):
        self.grammar = grammar
        self.random = random.Random(seed)
        self.soft = sorted(grammar.soft_words())

    def word(self):
        return self.random.choice(IDENTIFIERS) if self.random.random() < 0.55 else self.grammar.text[self.random.choice(self.soft)]

    def string(self, depth):
        kind = self.random.random()
        if kind < 0.5 or depth < 8:
            return '"s"'
        return r'r"\d+"' if kind < 0.65 else '"a $${v} ${' + " ".join(self.rule("expr", min(depth, 9))) + '} b"'

    def rule(self, name, depth):
        if name == "name":
            return [self.word()]
        if name == "string":
            return [self.string(depth)]
        return self.sequence(self._pick(self.grammar.rules[name], depth), depth - 1)

    def _pick(self, alternatives, depth):
        fitting = [a for a in alternatives if self.grammar.sequence_depth(a) < depth]
        return self.random.choice(fitting or [min(alternatives, key=self.grammar.sequence_depth)])

    def sequence(self, sequence, depth):
        out = []
        for element, repeat in sequence:
            least = self.grammar.element_depth(element)
            if repeat == "":
                times = 1
            elif repeat == "?":
                times = int(least < depth and self.random.random() < 0.45)
            elif repeat == "*":
                times = 0 if least >= depth else self.random.choice([0, 0, 1, 1, 2])
            else:
                times = 1 if least >= depth else self.random.choice([1, 1, 2])
            for _ in range(times):
                if isinstance(element, list):
                    out += self.sequence(self._pick(element, depth + 1), depth)
                elif element in self.grammar.rules:
                    out += self.rule(element, depth)
                else:
                    out.append(self.random.choice(IDENTIFIERS) if element == "ID" else self.grammar.text[element])
        return out

    def declarations(self, count):
        starts = [alternative[0][0] for alternative in self.grammar.rules["decl"]]
        starts += ["upgradeDecl", "actionDecl", "procedureDecl", "gateDecl", "holdDecl"]  # where most of the language is
        longest = 6000
        while count > 0:
            text = " ".join(self.rule(self.random.choice(starts), self.random.choice([9, 12, 14, 16, 18]))).replace(" \x01", "")
            if len(text) < longest:
                yield text
                count -= 1


PLACES = {"file": ("moduleDecl", "decl"), "cluster": ("clusterItem",), "import": ("importItem",), "host": ("hostItem",), "role": ("roleItem",),
          "state": ("stateItem",), "question": ("askStmt",), "gate": ("gateItem",), "action": ("actionItem",), "hold": ("holdItem",),
          "upgrade": ("upgradeItem",), "block": ("stmt",)}


def without_form(grammar, repository):
    """Items that compiler/syntax/forms.cpp shows no example of."""
    text = (pathlib.Path(repository) / "compiler" / "syntax" / "forms.cpp").read_text(encoding="utf-8")
    forms = set(re.findall(r'\{Within::(\w+),\s*R"\((\w+)', text))
    forms |= {("upgrade", word) for place, word in forms if place == "block"}
    return [f"{place} {word}: no form" for place, rules in PLACES.items() for rule in rules
            for word in sorted(grammar.leaders(rule)) if (place, word) not in forms]


def check(grammar, repository):
    soft = grammar.soft_words()
    faults = [f"{rule}: {problem}: {', '.join(sorted(words))}"
              for rule, problem, words in (("name", "soft words of the lexer that are missing", soft - grammar.words_of("name")),
                                           ("name", "not soft in the lexer", grammar.words_of("name") - soft),
                                           ("attributeName", "not soft in the lexer", grammar.words_of("attributeName") - soft),
                                           ("attributeName", "missing but for the words of items",
                                            soft - grammar.words_of("attributeName") - {"HOST", "IMPORT", "ROLES", "VIA", "GUEST", "AT"}))
              if words] + without_form(grammar, repository)
    print("\n".join(faults) if faults else f"{len(soft)} soft words agree")
    return 1 if faults else 0


def main():
    grammar = Grammar(sys.argv[1])
    if sys.argv[2] == "check":
        return check(grammar, sys.argv[1])
    for line in Sentences(grammar, int(sys.argv[3])).declarations(int(sys.argv[4])):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
