# An erased citizen: nothing of theirs is answered any more, the ledger still holds and says that it was done.
-- persons.csv --
CNIC,Name,Name (Urdu),Father Name,Father CNIC,Mother CNIC,Spouse CNIC,Gender,Date of Birth,Present Address,Permanent Address,Family No,Issue Date,Expiry Date
35202-8184877-1,Kashif Mehmood,کاشف محمود,Shahid Latif,,,,M,1974-06-02,"House 668, Street 25, Ichhra, Lahore","House 1, Street 1, Cantt, Multan",ESH746,2024-05-25,25-05-2034
-- end --
$ amanat init --home H --origin exchange.test/one >/dev/null && amanat import --home H identity.persons persons.csv >/dev/null
$ echo 35202-8184877-1 | amanat erase --home H --national-id -
Erased 35202-*1: * keys destroyed, * records and * openings gone for good.
  That it was done is entry * of the ledger.
!1 echo 35202-8184877-1 | amanat erase --home H --national-id -
amanat: There is no such record.
...
$ amanat ledger verify --home H
The ledger holds.
...
$ amanat ledger show 0 --home H
entry    0
type     genesis
time     *
opening  *
!1 amanat ledger show 999 --home H
amanat: There is no such record.
...
