# Refusals: strangers, officers without the case, wrong purposes, revoked devices; each says why and what next.
-- persons.csv --
CNIC,Name,Name (Urdu),Father Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,Present Address,Permanent Address,Family No,Issue Date,Expiry Date
35202-8184877-1,Kashif Mehmood,کاشف محمود,Shahid Latif,,,,M,1974-06-02,"House 668, Street 25, Ichhra, Lahore","House 1, Street 1, Cantt, Multan",ESH746,2024-05-25,25-05-2034
3520200353346,Yasmeen Rashid,یاسمین راشد,Nadeem Sarwar,,,,F,20-01-1959,"House 12, Street 2, Ichhra, Lahore","House 12, Street 2, Ichhra, Lahore",ESH747,2018-11-22,2028-11-22
-- end --
-- roster.csv --
Officer No,Name,CNIC,Department,Unit,Role,Station,Shift,Joined,Left
PO-1000,Zubair Aslam,42101-6045926-3,police,Investigation Lahore,investigator,Lahore,08:00-16:00,22-07-2012,
PO-1001,Gulnaz Fatima,33100-0407804-2,police,Investigation Lahore,investigator,Lahore,09:00-17:00,2019-07-17,
-- end --
-- cases.csv --
Case Ref,Kind,Opened,Closed,Unit,Officers,Subjects CNIC
FIR 1/26 PS Ichhra Lahore,fir,2024-01-05,,Investigation Lahore,PO-1000,35202-8184877-1
FIR 2/20 PS Ichhra Lahore,fir,2020-01-05,2021-01-01,Investigation Lahore,PO-1000,35202-8184877-1
-- end --
-- ask --
#!/bin/sh
# ask DEVICE PURPOSE CASE NATIONAL-ID FIELDS
[ -n "$1" ] && device="--cert $1.crt --key $1.key"
printf '%s\n' "$4" | exec amanat lookup --url https://127.0.0.1:$PORT --ca H/ca.crt $device --purpose "$2" --case "$3" --national-id - --fields "$5"
-- end --
$ for d in one two; do openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $d.key -out $d.csr -subj /CN=device 2>/dev/null; done
$ amanat init --home H --origin exchange.test/one >/dev/null && amanat import --home H identity.persons persons.csv >/dev/null && amanat enrol --home H officers roster.csv >/dev/null && amanat case --home H import cases.csv >/dev/null
$ amanat enrol --home H device --officer PO-1000 --csr one.csr --out one.crt >/dev/null && amanat enrol --home H device --officer PO-1001 --csr two.csr --out two.crt >/dev/null
& amanat serve --home H --listen 127.0.0.1:$PORT
...
Answering at *
$ sh ask one crime-investigation 'FIR 1/26 PS Ichhra Lahore' 35202-8184877-1 identity.persons.name,identity.persons.family_number
3520281848771  recorded as entry *
  identity.persons  from nadra, taken in *
    name  Kashif Mehmood
  withheld
    identity.persons.family_number  field-not-granted  *
!1 sh ask '' crime-investigation 'FIR 1/26 PS Ichhra Lahore' 35202-8184877-1 identity.persons.name
amanat: Nothing was shown that says who asks.
why: no-credential*
hint: Sign in with a passkey, or connect with an enrolled device's certificate or a token.
!1 sh ask two crime-investigation 'FIR 1/26 PS Ichhra Lahore' 35202-8184877-1 identity.persons.name
amanat: You are not assigned to this case.
...
!1 sh ask one crime-investigation 'FIR 1/26 PS Ichhra Lahore' 3520200353346 identity.persons.name
amanat: The case does not name this citizen.
...
!1 sh ask one crime-investigation 'FIR 9/26 PS Ichhra Lahore' 35202-8184877-1 identity.persons.name
amanat: The exchange does not know this case.
...
!1 sh ask one crime-investigation 'FIR 2/20 PS Ichhra Lahore' 35202-8184877-1 identity.persons.name
amanat: The case is closed.
...
!1 sh ask one curiosity 'FIR 1/26 PS Ichhra Lahore' 35202-8184877-1 identity.persons.name
amanat: The purpose is not on the list of lawful purposes.
...
!1 sh ask one crime-investigation 'FIR 1/26 PS Ichhra Lahore' 35202-8184877-1 identity.persons.nmae
amanat: No registry has this field.
...
!1 sh ask one crime-investigation 'FIR 1/26 PS Ichhra Lahore' 12345 identity.persons.name
amanat: A value does not have the form its kind demands.
...
$ amanat enrol --home H revoke PO-1000
1 device revoked, at once.
  *
!1 sh ask one crime-investigation 'FIR 1/26 PS Ichhra Lahore' 35202-8184877-1 identity.persons.name
amanat: This device has been revoked.
...
!2 amanat lookup --url https://127.0.0.1:1 --ca H/ca.crt --purpose p --national-id - --fields identity.persons.name </dev/null
amanat: The command line is wrong.
...
$ amanat ledger verify --home H --json
{"holds":true,"size":*
