"""wstest, and `wstest cases [PATTERN...] [-x PATTERN...]`, which prints the ids of cases.

Runs on Python 2.7. What differs from the plain wstest: there is no TLS (pyOpenSSL is not
installed); a fuzzingserver listens on the host of its URL alone, and says when it listens.
"""
import os, sys, types, unittest

sys.stdout = os.fdopen(1, 'w', 1)                # whole lines at once, into files too
sys.modules.setdefault('unittest2', unittest)    # imported by a self-test of autobahn, else unused

import twisted.internet
tls = types.ModuleType('twisted.internet.ssl')
sys.modules['twisted.internet.ssl'] = twisted.internet.ssl = tls

from autobahntestsuite import fuzzing, wstest

listen_everywhere = fuzzing.listenWS


def listen_on_its_host(factory, contextFactory=None, backlog=50, interface=''):
    port = listen_everywhere(factory, contextFactory, backlog, interface or factory.host)
    print 'Listening on %s' % factory.url
    return port


fuzzing.listenWS = listen_on_its_host


def print_cases(args):
    case_set = fuzzing.CaseSet(fuzzing.CaseSetname, fuzzing.CaseBasename, fuzzing.Cases,
                               fuzzing.CaseCategories, fuzzing.CaseSubCategories)
    known = set(case_set.CasesIndices)

    def matching(pattern):                       # '7.1.1', '7.1' and '7.1.*' (all under it), '*'
        if pattern == '*':
            return known
        stem = pattern[:-2] if pattern.endswith('.*') else pattern
        found = set(c for c in known if c == stem or c.startswith(stem + '.'))
        if not found:
            sys.exit('no case matches %r' % pattern)
        return found

    wanted, unwanted = [], []
    patterns = wanted
    for arg in args:
        if arg == '-x':
            patterns = unwanted
        else:
            patterns.append(arg)
    chosen = set().union(*map(matching, wanted or ['*'])).difference(*map(matching, unwanted))
    if not chosen:
        sys.exit('no case is left')
    for case in sorted(chosen, key=case_set.caseIdtoIdTuple):
        print case


if len(sys.argv) > 1 and sys.argv[1] == 'cases':
    print_cases(sys.argv[2:])
else:
    wstest.run()
