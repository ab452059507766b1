# A first answer: from the departments' files to a recorded answer, by the README's commands.
-- persons.csv --
CNIC,Name,Name (Urdu),Father Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,Present Address,Permanent Address,Family No,Issue Date,Expiry Date
35202-8184877-1,Kashif Mehmood,کاشف محمود,Shahid Latif,,,,M,1974-06-02,"House 668, Street 25, Ichhra, Lahore","House 1, Street 1, Cantt, Multan",ESH746,2024-05-25,25-05-2034
3520200353346,Yasmeen Rashid,یاسمین راشد,Nadeem Sarwar,,,,F,20-01-1959,"House 12, Street 2, Ichhra, Lahore","House 12, Street 2, Ichhra, Lahore",ESH747,2018-11-22,2028-11-22
3520200353346,Yasmeen Rashid,یاسمین راشد,Nadeem Sarwar,,,,F,20-01-1959,"House 12, Street 2, Ichhra, Lahore","House 12, Street 2, Ichhra, Lahore",ESH747,2018-11-22,2028-11-22
,,,,,,,,,,,,,
352022839794,Mehwish Hayat,مہوش حیات,Talha Munir,,,,F,24-03-1960,"House 632, Street 34, Township, Lahore","House 632, Street 34, Township, Lahore",B8WRJN,2019-03-31,2029-03-28
-- end --
-- roster.csv --
Officer No,Name,CNIC,Department,Unit,Role,Station,Shift,Joined,Left
PO-1000,Zubair Aslam,42101-6045926-3,police,Investigation Lahore,investigator,Lahore,08:00-16:00,22-07-2012,
PO-1001,Gulnaz Fatima,33100-0407804-2,police,Investigation Lahore,investigator,Lahore,09:00-17:00,2019-07-17,
PO-1002,Usman Ghani,4210128113501,police,Investigation Quetta,investigator,Quetta,09:00-17:00,2020-11-27,04-03-2021
-- end --
-- cases.csv --
Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC
FIR 1/26 PS Ichhra Lahore,fir,2024-01-05,,Investigation Lahore,PO-1000,35202-8184877-1
-- end --
$ cp -r $SOURCE/catalog . && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout d.key -out d.csr -subj /CN=device 2>/dev/null
$ amanat init --home H --catalog catalog/pakistan --origin exchange.test/one
A new exchange.
  home    *
  origin  exchange.test/one
  vkey    exchange.test/one+*
  keys    *
  next    amanat import *
! amanat init --home H --catalog catalog/pakistan --origin exchange.test/one
amanat: There is an exchange in this directory already.
why: exchange-exists: *
hint: Choose another directory.
$ amanat import --home H identity.persons persons.csv
identity.persons: 5 rows
  2  accepted
  1  repeated: *
  1  blank
  1  quarantined: national-id-impossible
  row 5 (line 6): national-id-impossible, *
  all of them: *quarantine
$ amanat import --home H identity.persons persons.csv --json
{"dataset":"identity.persons","rows":5,"accepted":0,"repeated":3,"blank":1,"quarantined":1,"reasons":{"national-id-impossible":1}}
$ amanat enrol --home H officers roster.csv
personnel.roster: 3 rows
  3  accepted
$ amanat enrol --home H device --officer PO-1000 --csr d.csr --out d.crt
A device of PO-1000 is enrolled.
  device       *
  certificate  *d.crt
! amanat enrol --home H device --officer PO-9999 --csr d.csr --out x.crt
amanat: No such officer is on the roster.
...
! amanat enrol --home H device --officer PO-1002 --csr d.csr --out x.crt
amanat: This officer is not in service.
...
$ amanat case --home H import cases.csv
cases.cases: 1 rows
  1  accepted
& amanat serve --home H --listen 127.0.0.1:$PORT
...
Answering at https://127.0.0.1:* as exchange.test/one. Ctrl-C stops.
$ amanat status --home H
exchange   exchange.test/one
home       *
answers    https://127.0.0.1:*
ledger     * entries
accounts   3
policy     * rules
witnesses  none: *
marks      NONE: no auditor is configured; *
records
...
  identity.persons *2
...
$ echo 35202-8184877-1 | amanat lookup --url https://127.0.0.1:$PORT --ca H/ca.crt --cert d.crt --key d.key --purpose crime-investigation --case 'FIR 1/26 PS Ichhra Lahore' --national-id - --fields identity.persons.name,identity.persons.present_address --receipt r.tlog-proof
3520281848771  recorded as entry *
  identity.persons  from nadra, taken in *
    name             Kashif Mehmood
    present_address  House 668, Street 25, Ichhra, Lahore
$ amanat policy who identity.persons.present_address --home H
...
*C01*
...
$ amanat ledger verify --home H
The ledger holds.
  * entries, every hash and signature checked in *
  root *
$ amanat-verify --vkey "$(amanat ledger vkey --home H)" r.tlog-proof
...
$ amanat ledger export public --home H
The public ledger is in *public
  check it: amanat-verify --vkey *
$ amanat-verify --vkey "$(amanat ledger vkey --home H)" --dir public
...
