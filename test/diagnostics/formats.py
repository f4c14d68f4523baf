#!/usr/bin/env python3
"""upgc check in every format, over one file for each thing that can be in a finding: what another program reads must hold.

usage: formats.py UPGC FOLDER REPOSITORY"""

import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import sarif_schema  # noqa: E402  (beside this file)

TODAY = "--today=2026-01-01"


class Case:
    def __init__(self, upgc, path):
        self.upgc, self.path = upgc, path

    def run(self, *options):
        result = subprocess.run([self.upgc, "check", TODAY, *options, self.path.name], cwd=self.path.parent,
                                capture_output=True, timeout=60, check=False)
        return result.returncode, result.stdout

    def json(self, form):
        return json.loads(self.run(f"--format={form}")[1])


def check_sarif(case):
    plain, log = case.json("json"), case.json("sarif")
    yield from sarif_schema.faults(log)
    run = log["runs"][0]
    results, rules = run["results"], run["tool"]["driver"]["rules"]
    reported = [r for r in results if "suppressions" not in r]
    for r in results:
        for suppression in r.get("suppressions", []):
            if not suppression["justification"] or not suppression["location"]["physicalLocation"]:
                yield "a suppression without its waiver"
    if len(reported) != len(plain["diagnostics"]):
        yield "not every diagnostic is a result"
    for d, r in zip(plain["diagnostics"], reported):
        if r["ruleId"] != d["code"] or rules[r["ruleIndex"]]["id"] != d["code"]:
            yield f"{d['code']} under the rule {r['ruleId']}"
        if not r["message"]["text"].startswith(d["message"].replace("{", "{{").replace("}", "}}")):
            yield f"{d['code']}: another message"
        if d["location"]:
            region = r["locations"][0]["physicalLocation"]["region"]
            at = d["location"]
            if (region["startLine"], region["startColumn"]) != (at["begin"]["line"], at["begin"]["column"]) or \
                    (region["endLine"], region["endColumn"]) != (at["end"]["line"], at["end"]["column"]):
                yield f"{d['code']}: another place"
            text = case.path.parent.joinpath(at["file"])
            if text.exists() and region["byteLength"]:
                data = text.read_bytes()[region["byteOffset"]:region["byteOffset"] + region["byteLength"]]
                snippet = r["locations"][0]["physicalLocation"]["region"]["snippet"]["text"]
                if not data.decode("utf-8", "replace").startswith(snippet):
                    yield f"{d['code']}: the snippet is {snippet!r}"
                # columns count code points
                line = text.read_text(encoding="utf-8", errors="replace").split("\n")[region["startLine"] - 1]
                if region["startLine"] == region["endLine"] and \
                        line[region["startColumn"] - 1:region["endColumn"] - 1] != snippet:
                    yield f"{d['code']}: columns {region['startColumn']}..{region['endColumn']} are not {snippet!r}"
        placed = [label for label in d["labels"] if label["location"]]
        if len(r.get("relatedLocations", [])) != len(placed):
            yield f"{d['code']}: {len(placed)} other places, {len(r.get('relatedLocations', []))} in SARIF"
        steps = sum(len(f["locations"]) for c in r.get("codeFlows", []) for f in c["threadFlows"])
        if steps != len(d["schedule"]):
            yield f"{d['code']}: {len(d['schedule'])} steps, {steps} in SARIF"
        if len(r.get("fixes", [])) != len(d["fixes"]):
            yield f"{d['code']}: {len(d['fixes'])} fixes, {len(r.get('fixes', []))} in SARIF"
        if d["location"] and not re.fullmatch(r"[0-9a-f]+:\d+", r["partialFingerprints"]["primaryLocationLineHash"]):
            yield f"{d['code']}: no hash of its line"
    for rule in rules:
        if not all(rule[key]["text"].strip() for key in ("shortDescription", "fullDescription", "help")):
            yield f"rule {rule['id']} says nothing"
    if len({r["partialFingerprints"]["upgFinding/v1"] for r in results}) != len(results):
        yield "two results of one name"


def check_github(case):
    text = case.run("--format=github")[1].decode("utf-8", "replace")
    findings = case.json("json")["diagnostics"]
    lines = text.splitlines()
    if len(lines) != len(findings):
        yield f"{len(lines)} lines for {len(findings)} findings"
    unescape = lambda s: s.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")  # noqa: E731
    for d, line in zip(findings, lines):
        match = re.fullmatch(r"::(error|warning) ((?:[a-zA-Z]+=[^,:]*,?)*)::(.*)", line)
        if not match:
            yield f"no workflow command: {line[:100]}"
            continue
        properties = dict(part.split("=", 1) for part in match[2].split(","))
        if match[1] != d["severity"] or not unescape(match[3]).startswith(d["message"]):
            yield f"another severity or message: {line[:100]}"
        if d["location"] and (unescape(properties["file"]) != d["location"]["file"] or
                              int(properties["line"]) != d["location"]["begin"]["line"]):
            yield f"another place: {line[:100]}"


def check_gitlab(case):
    issues, findings = case.json("gitlab"), case.json("json")["diagnostics"]
    if len(issues) != len(findings):
        yield "not every diagnostic is an issue"
    for d, issue in zip(findings, issues):
        if set(issue) != {"description", "check_name", "fingerprint", "severity", "location"}:
            yield f"keys {sorted(issue)}"
        if issue["severity"] not in ("info", "minor", "major", "critical", "blocker"):
            yield f"severity {issue['severity']}"
        if d["location"] and (issue["location"]["path"] != d["location"]["file"] or
                              issue["location"]["lines"]["begin"] != d["location"]["begin"]["line"]):
            yield "another place"
    if len({i["fingerprint"] for i in issues}) != len(issues):
        yield "two issues of one fingerprint"
    # three lines further down they are the same issues
    told = all((d["location"] or {}).get("file") == case.path.name and d["code"] != "E0117" for d in findings)
    if findings and told:  # E0117 tells a byte's number
        original = case.path.read_bytes()
        try:
            case.path.write_bytes(b"\n\n\n" + original)
            if [i["fingerprint"] for i in case.json("gitlab")] != [i["fingerprint"] for i in issues]:
                yield "a fingerprint changed when the lines moved"
            hashes = lambda log: [r["partialFingerprints"].get("primaryLocationLineHash") for r in log["runs"][0]["results"]]  # noqa: E731
            shifted = hashes(case.json("sarif"))
            case.path.write_bytes(original)
            if shifted != hashes(case.json("sarif")):
                yield "a line's hash changed when the lines moved"
        finally:
            case.path.write_bytes(original)


def check_junit(case):
    exit_code, text = case.run("--format=junit")
    root = ElementTree.fromstring(text)
    findings = case.json("json")["diagnostics"]
    errors = sum(d["severity"] == "error" for d in findings)
    suite = root.find("testsuite")
    cases = suite.findall("testcase")
    if int(suite.get("tests")) != len(cases) or len(cases) != max(1, len(findings)):
        yield f"{len(cases)} cases for {len(findings)} findings"
    if int(suite.get("failures")) != errors or len(suite.findall("testcase/failure")) != errors:
        yield f"{suite.get('failures')} failures for {errors} errors"
    for d, failure in zip([d for d in findings if d["severity"] == "error"], suite.findall("testcase/failure")):
        if all(ord(c) >= 32 or c in "\n\t\r" for c in d["message"]) and failure.get("message") != d["message"]:
            yield f"another message: {failure.get('message')!r}"


def check_exit(case):
    codes = {form: case.run(f"--format={form}")[0] for form in ("text", "json", "sarif", "github", "gitlab", "junit")}
    if len(set(codes.values())) != 1:
        yield f"exit codes differ: {codes}"


def main():
    upgc, folder, repository = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    texts = {path.name: path.read_bytes() for path in sorted((pathlib.Path(__file__).parent / "Inputs").glob("*.upg"))}
    # A rejected plan with a schedule, one with a fix, one whose findings are warnings: the examples of the pages.
    pages = json.loads(subprocess.run([upgc, "explain", "--list", "--format=json"], capture_output=True, check=True,
                                      timeout=60).stdout)
    for page in pages:
        if page["code"] in ("E1001", "E1002", "E1003", "E0111", "E0304", "W0501", "W0252"):
            texts[f"{page['code']}.upg"] = page["failing"].encode()
        if page["code"] == "E1024":
            texts["waiver.upg"] = page["fixed"].encode()  # a risk that is accepted
    texts["100% a,b:c ü.upg"] = b"gate g { pass true }\n"
    texts["clean.upg"] = b"gate g { pass when true }\n"
    texts["latin1.upg"] = "// überall\n".encode("latin-1")
    texts["controls.upg"] = b'gate g { pass when "\x01\x1b[31m" == \x02 }\n'
    texts["links.upg"] = b'gate g { pass when true }\nrole r { see [this](http://x) {0} }\n'
    bad = shown = 0
    for name, text in texts.items():
        path = folder / name
        path.write_bytes(text)
        case = Case(upgc, path)
        for check in (check_exit, check_sarif, check_github, check_gitlab, check_junit):
            for fault in check(case):
                bad += 1
                print(f"{name}: {check.__name__}: {fault}")
        shown += len(case.json("json")["diagnostics"])
    # each finding that a waiver lifts, as it would be without it
    own = Case(upgc, folder / "waiver.upg")
    waived = [r for r in own.json("sarif")["runs"][0]["results"] if r.get("suppressions")]
    bare = re.sub(rb"(?m)^  accept [^{]*\{\n((?:    .*\n)*)  \}\n", rb"\1", texts["waiver.upg"])
    (folder / "unwaived.upg").write_bytes(bare)
    told = Case(upgc, folder / "unwaived.upg").json("json")["diagnostics"]
    if not told or [r["message"]["text"].split("\n")[0] for r in waived] != [d["message"] for d in told]:
        bad += 1
        print(f"accepted findings are {[r['message'] for r in waived]}, without the waiver {[d['message'] for d in told]}")
    flows = Case(upgc, folder / "E1001.upg").json("sarif")["runs"][0]["results"]
    if not any(r.get("codeFlows") for r in flows):
        bad += 1
        print("a schedule is no code flow")
    print(f"{len(texts)} files, {shown} findings, {bad} faults")
    return 1 if bad or shown < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
