"""The demo's driver; scripts/demo.sh has made lab, API server and gateway ready."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from gateway import Gateway
from judge import assign, refused
from lab import Lab, LabError, Upstream, pin_self
from phases import Demo
from report import table

STARTED = time.monotonic()


def say(text: str) -> None:
    """Progress, with the time since the start."""
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


def arguments() -> argparse.Namespace:
    """The command line, as demo.sh gives it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab-dir", type=Path, required=True)
    parser.add_argument("--kubescopectl", type=Path, required=True)
    parser.add_argument("--load-cpu", default="0", help="core of clients and API server")
    parser.add_argument("--learn-seconds", type=float, default=45)
    parser.add_argument("--pace", type=float, default=4, help="how much faster than in a real cluster")
    parser.add_argument("--real-apiserver", action="store_true", help="it is not the stand-in: it does not count")
    return parser.parse_args()


def play(demo: Demo) -> None:
    """All parts in order."""
    say(f"(a) everyday life is learned for {demo.learn_seconds:.0f} s, then watched for 10 s")
    demo.learn()
    say("(b) a command injected into the web form: the pod's token is read and used")
    demo.stolen_token()
    say("(c) a burst from the metrics pod, watched only and then throttled")
    demo.bursts()
    say("(d) hostile payloads in parameters, cookies and bodies")
    demo.payloads()


def verdict(demo: Demo, lab: Lab) -> int:
    """Print the table and the numbers; 0 only if all is as it should be."""
    false_alarms = assign(demo.attacks, demo.gateway.collect())
    bad_answers = refused(lab.journal())
    everyday = len(lab.journal())
    print("\n" + table(demo.attacks, false_alarms) + "\n\n" + demo.numbers.text() + "\n")
    missed = [attack for attack in demo.attacks if not attack.caught]
    for line in bad_answers[:10]:
        print(f"everyday request spoiled: {line['client']} {line['method']} {line['path'][:70]}: "
              f"{line['status']} {line.get('error', '')}")
    print(f"attack steps caught: {len(demo.attacks) - len(missed)} of {len(demo.attacks)}; "
          f"everyday requests: {everyday}, flagged {len(false_alarms)}, spoiled {len(bad_answers)}")
    if missed or false_alarms or bad_answers:
        print("RESULT: not as it should be")
        return 1
    print("RESULT: every attack was caught, no everyday request was")
    return 0


def interrupted(number: int, frame: object) -> None:
    """A signal ends the demo, but not before its programs."""
    del number, frame
    raise KeyboardInterrupt


def main() -> int:
    args = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    pin_self(args.load_cpu)
    lab = Lab(args.lab_dir, args.load_cpu)
    demo = Demo(lab, Gateway(args.kubescopectl, args.lab_dir / "telemetry/dpdk/lab"), Upstream(lab, real=args.real_apiserver),
                learn_seconds=args.learn_seconds, pace=args.pace)
    try:
        play(demo)
        lab.stop()
        return verdict(demo, lab)
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        lab.stop()


if __name__ == "__main__":
    sys.exit(main())
