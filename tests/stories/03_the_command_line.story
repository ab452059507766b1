# The command line: wrong words are answered with the nearest right one, and everything explains itself.
!2 amanat improt
amanat: The command line is wrong.
why: usage-wrong: there is no command improt; did you mean import?
hint: See amanat help COMMAND.
!2 amanat ledger
amanat: The command line is wrong.
why: usage-wrong: ledger needs one of: verify, vkey, show, evidence, prove, export, history, auditor, fsck, retention, retain, prune, trim, audit, follow, witness
hint: See amanat help COMMAND.
!2 LC_ALL=ur_PK.UTF-8 amanat status --hoem x
amanat: کمانڈ غلط لکھی گئی ہے۔
why: usage-wrong: there is no option --hoem; did you mean --home?
hint: amanat help دیکھیں۔
!2 amanat status --home nowhere
amanat: There is no exchange in this directory.
why: exchange-missing: *nowhere
hint: Make one: amanat init --home DIR.
$ amanat
Amanat: departments keep records, officers ask, nothing is answered unrecorded.

...
Try it: amanat demo. *
$ amanat --version
amanat *
$ amanat help lookup
amanat lookup: ask the exchange a question
...
!2 amanat init --home H --origin 'Not A Name'
amanat: The configuration is wrong.
why: config-wrong: origin is like exchange.test/one: *
hint: *
$ amanat config --explain
exchange.toml in the home directory; an unknown key is an error.

origin  (text)
  Name of the exchange and of its ledger. *
...
$ amanat policy check --policy $SOURCE/examples/policy --catalog $SOURCE/catalog/pakistan
...
The policy *
!2 amanat policy check --policy nowhere --catalog $SOURCE/catalog/pakistan
...
$ amanat help --completion bash | bash -n
$ amanat help --man | head -1
.TH AMANAT 1 "" "amanat *" "User commands"
$ amanat init --home H --origin exchange.test/one --json
{"origin":"exchange.test/one","vkey":"exchange.test/one+*","home":"*/H"}
!2 printf 'origin = "exchange.test/one"\nlisten_on = "x"\n' > H/exchange.toml; amanat status --home H
amanat: The configuration is wrong.
why: config-wrong: *exchange.toml:2: *listen*
hint: See amanat config --explain.
!2 amanat probe nothing.json https://127.0.0.1:1 --i-am-allowed
amanat: *
why: file-failed: *
hint: *
!2 amanat probe H/exchange.toml https://127.0.0.1:1
amanat: *
why: usage-wrong: probe only an app that is yours or that you may: say so with --i-am-allowed
hint: *
!2 amanat probe H/exchange.toml https://127.0.0.1:1 --i-am-allowed
amanat: *
why: description-wrong: no member openapi of 3.0 or 3.1
hint: *
