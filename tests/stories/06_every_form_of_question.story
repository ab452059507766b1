# Every form of question: a citizen, a family, a number and its calls, a report, a hotel's guests; with
# amanat and with curl, and every receipt checked offline.
-- persons.csv --
CNIC,Name,Name (Urdu),Father Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,Present Address,Permanent Address,Family No,Issue Date,Expiry Date
35202-8184877-1,Kashif Mehmood,کاشف محمود,Shahid Latif,,,35202-0035334-6,M,1954-06-02,"House 668, Street 25, Ichhra, Lahore","House 668, Street 25, Ichhra, Lahore",ESH746,2024-05-25,25-05-2034
35202-0035334-6,Yasmeen Rashid,یاسمین راشد,Nadeem Sarwar,,,35202-8184877-1,F,20-01-1959,"House 668, Street 25, Ichhra, Lahore","House 668, Street 25, Ichhra, Lahore",ESH746,2018-11-22,2028-11-22
3520201544347,Abdul Sattar,عبدالستار,Kashif Mehmood,35202-8184877-1,35202-0035334-6,,M,1979-11-26,"House 668, Street 25, Ichhra, Lahore","House 668, Street 25, Ichhra, Lahore",ESH746,2026-04-24,2036-04-24
-- end --
-- lines.csv --
msisdn,cnic,operator,imsi,activated_on,status
3311140702,35202-8184877-1,Ufone,410043413552383,2024-12-12,ACTIVE
-- end --
-- calls.csv --
a_number,b_number,type,start_time,duration_s,cell
+923311140702,03012617547,VOICE,20261019071159,2014,410-05-2283-21087
03211112222,03311140702,SMS,20261020081159,0,410-05-2283-21087
-- end --
-- firs.csv --
FIR No,Police Station,District,Date,Sections,Accused CNIC,Accused Name,Status
1/26,PS Ichhra,Lahore,2026-06-25,420/468/471 PPC,35202-8184877-1,Kashif Mehmood,Under Investigation
-- end --
-- stays.csv --
Licence,Hotel,City,Guest,CNIC/Passport,Room,Check In,Check Out
HL-0022,Hotel Mehran 22,Rawalpindi,Kashif Mehmood,35202-8184877-1,196,2026-07-21 02:20,2026-07-24 08:20
HL-0022,Hotel Mehran 22,Rawalpindi,John Smith,AB1234567,197,2026-07-22 12:00,2026-07-23 09:00
HL-0022,Hotel Mehran 22,Rawalpindi,Abdul Sattar,3520201544347,198,2026-09-01 12:00,2026-09-02 09:00
-- end --
-- roster.csv --
Officer No,Name,CNIC,Department,Unit,Role,Station,Shift,Joined,Left
PO-1000,Zubair Aslam,42101-6045926-3,police,Investigation Lahore,investigator,Lahore,08:00-16:00,22-07-2012,
-- end --
-- cases.csv --
Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC
FIR 1/26 PS Ichhra Lahore,fir,2024-01-05,,Investigation Lahore,PO-1000,35202-8184877-1
-- end --
-- ask --
#!/bin/sh
# ask FIELDS SUBJECT...: leaves the receipts in r*
rm -f r r.*
fields=$1; shift
exec amanat lookup --url https://127.0.0.1:$PORT --ca H/ca.crt --cert d.crt --key d.key --purpose crime-investigation --case 'FIR 1/26 PS Ichhra Lahore' --fields "$fields" --receipt r "$@"
-- end --
-- question.json --
{"subject":{"national_id":"3520281848771"},"fields":["identity.persons.name"],"purpose":"crime-investigation","case":"FIR 1/26 PS Ichhra Lahore"}
-- end --
$ openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout d.key -out d.csr -subj /CN=device 2>/dev/null && amanat init --home H --origin exchange.test/one >/dev/null
$ for x in identity.persons:persons telecom.subscribers:lines telecom.calls:calls police.firs:firs hotels.stays:stays; do amanat import --home H ${x%%:*} ${x##*:}.csv --json; done
{"dataset":"identity.persons","rows":3,"accepted":3,*
{"dataset":"telecom.subscribers","rows":1,"accepted":1,*
{"dataset":"telecom.calls","rows":2,"accepted":2,*
{"dataset":"police.firs","rows":1,"accepted":1,*
{"dataset":"hotels.stays","rows":3,"accepted":3,*
$ amanat enrol --home H officers roster.csv >/dev/null && amanat enrol --home H device --officer PO-1000 --csr d.csr --out d.crt >/dev/null && amanat case --home H import cases.csv >/dev/null
& amanat serve --home H --listen 127.0.0.1:$PORT
...
Answering at *
$ sh ask identity.persons.name,identity.persons.name_urdu --national-id 35202-8184877-1
3520281848771  recorded as entry *
  identity.persons  from nadra, taken in *
    name       Kashif Mehmood
    name_urdu  کاشف محمود
$ amanat-verify --vkey "$(cat H/ledger.vkey)" r
r: holds; *
$ sh ask identity.persons.name,family.tree.relation --national-id 35202-8184877-1 --hops 1
3520281848771  recorded as entry *
...
35202-*****34-6  recorded as entry *
...
    relation  spouse
...
    name  Yasmeen Rashid
35202-*****34-7  recorded as entry *
...
    relation  child
...
    name  Abdul Sattar
$ amanat-verify --vkey "$(cat H/ledger.vkey)" r.1 r.2 r.3
r.1: holds; *
r.2: holds; *
r.3: holds; *
$ sh ask telecom.subscribers.operator,telecom.calls.counterparty,telecom.calls.direction --msisdn 03311140702 --from 2026-10-19 --to 2026-10-20
...
  telecom.calls  from pta, taken in *
    counterparty  *7547
    direction     out
...
    operator  Ufone
$ sh ask police.firs.status --fir 1/26 --station 'PS Ichhra'
35202-*****77-1  recorded as entry *
  police.firs  from police, taken in *
    status  Under Investigation
$ sh ask hotels.stays.guest_name --licence HL-0022 --from 2026-07-21 --to 2026-07-24
...
    guest_name  *
...
    guest_name  *
$ ls r.*
r.1
r.2
$ curl -sS --cacert H/ca.crt --cert d.crt --key d.key -H 'Content-Type: application/json' -d @question.json https://127.0.0.1:$PORT/v1/lookups > answer.json; cat answer.json
{"answers":[{"citizen":"3520281848771","records":{"identity.persons":[{"name":"Kashif Mehmood","source":"nadra","date":"*"}]},"withheld":[],"entry":*,"receipt":"c2sp.org/tlog-proof@v1\n*"}]}
$ amanat-verify --vkey "$(cat H/ledger.vkey)" answer.json
answer.json: holds; *
$ amanat lookup --url https://127.0.0.1:$PORT --ca H/ca.crt --cert d.crt --key d.key --question question.json
3520281848771  recorded as entry *
...
$ curl -sS --cacert H/ca.crt -H 'Content-Type: application/json' -d @question.json https://127.0.0.1:$PORT/v1/lookups
{"type":"about:blank",*"status":401,"reason":"no-credential",*}
$ curl -sS --cacert H/ca.crt -o /dev/null -w '%{http_code}\n' https://127.0.0.1:$PORT/healthz
200
!2 amanat lookup --url https://127.0.0.1:$PORT --ca d.crt --question question.json
amanat: *
...
$ amanat ledger verify --home H --json
{"holds":true,*
