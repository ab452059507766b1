// What the page says, in both languages. build.mjs refuses to build while a cell is missing.

export const languages = { en: 'English', ur: 'اردو' };

export const words = {
  title: ['Check who looked at me', 'جانچیں کہ مجھے کس نے دیکھا'],
  lead: [
    'This page checks the history file you downloaded: that no look at your records was left out, added or changed. It runs on your own device. Nothing leaves it: this page cannot open any connection.',
    'یہ صفحہ آپ کی ڈاؤن لوڈ کی ہوئی تاریخ کی فائل جانچتا ہے: کہ آپ کے ریکارڈ پر کوئی نظر نہ چھوڑی گئی، نہ بڑھائی گئی، نہ بدلی گئی۔ یہ آپ کے اپنے آلے پر چلتا ہے۔ کچھ باہر نہیں جاتا: یہ صفحہ کوئی رابطہ قائم نہیں کر سکتا۔',
  ],
  source: [
    'Use a copy of this page from someone other than the exchange, for example the ombudsman: an exchange that lies could also hand out a page that lies.',
    'اس صفحے کی نقل تبادلہ مرکز کے علاوہ کسی اور سے لیں، مثلاً محتسب سے: جو مرکز جھوٹ بولے وہ جھوٹ بولنے والا صفحہ بھی دے سکتا ہے۔',
  ],
  files: ['Files', 'فائلیں'],
  choose: ['Choose or drop the files', 'فائلیں چنیں یا یہاں ڈالیں'],
  filesHint: [
    'Your history (my-history), the keys of the log and its witnesses if this page has none built in, and what you kept from last time if you have it.',
    'آپ کی تاریخ (my-history)، کھاتے اور اس کے گواہوں کی چابیاں اگر اس صفحے میں پہلے سے نہ ہوں، اور پچھلی بار کی رکھی ہوئی فائل اگر ہو۔',
  ],
  historyFile: ['History', 'تاریخ'],
  policyFile: ['Keys of the log and its witnesses', 'کھاتے اور گواہوں کی چابیاں'],
  rememberedFile: ['Kept from last time', 'پچھلی بار کی فائل'],
  missing: ['not chosen yet', 'ابھی نہیں چنی گئی'],
  optional: ['not chosen; optional', 'نہیں چنی گئی؛ ضروری نہیں'],
  builtIn: ['built into this page by its publisher', 'اس صفحے میں اس کے ناشر نے رکھی ہیں'],
  noQuorum: [
    'These keys ask for no witness: then only the log itself vouches that everybody is shown the same.',
    'یہ چابیاں کوئی گواہ نہیں مانگتیں: تب صرف کھاتہ خود ضامن ہے کہ سب کو ایک ہی چیز دکھائی جاتی ہے۔',
  ],
  nationalId: ['Your national ID number', 'آپ کا شناختی کارڈ نمبر'],
  nationalIdHint: [
    '13 digits. It shows that the history is yours; it is not kept.',
    '13 ہندسے۔ اس سے ثابت ہوتا ہے کہ تاریخ آپ کی ہے؛ یہ محفوظ نہیں کیا جاتا۔',
  ],
  check: ['Check', 'جانچیں'],
  needHistory: ['Choose your history file first.', 'پہلے اپنی تاریخ کی فائل چنیں۔'],
  needPolicy: [
    'Choose the file of keys: the witnesses publish it, not the exchange alone.',
    'چابیوں کی فائل چنیں: اسے گواہ شائع کرتے ہیں، صرف تبادلہ مرکز نہیں۔',
  ],
  needId: ['Give the 13 digits of your national ID number.', 'اپنے شناختی نمبر کے 13 ہندسے لکھیں۔'],
  unreadable: ['This file could not be used', 'یہ فائل استعمال نہ ہو سکی'],
  holds: ['It holds: nothing is missing', 'درست ہے: کچھ غائب نہیں'],
  fails: ['It does not hold', 'درست نہیں'],
  upTo: [
    'Complete up to {time}. Looks after that are not in this file yet: download a new one later.',
    '{time} تک مکمل ہے۔ اس کے بعد کی نظریں ابھی اس فائل میں نہیں: بعد میں نئی فائل لیں۔',
  ],
  shown: ['What was checked', 'کیا جانچا گیا'],
  didSign: [
    'The log {origin} signed this state of {size} entries, and as many witnesses as its keys demand signed it too.',
    'کھاتے {origin} نے {size} اندراجات کی اس حالت پر دستخط کیے، اور اتنے گواہوں نے بھی جتنے اس کی چابیاں مانگتی ہیں۔',
  ],
  didLabel: [
    'The history belongs to your national ID number and to no other.',
    'یہ تاریخ آپ ہی کے شناختی نمبر کی ہے، کسی اور کی نہیں۔',
  ],
  didCount: [
    'The log counts {count} entries about you, and this file lists exactly these, each at its place in the log.',
    'کھاتے میں آپ کے بارے میں {count} اندراجات ہیں، اور اس فائل میں ٹھیک یہی ہیں، ہر ایک کھاتے میں اپنی جگہ پر۔',
  ],
  didNever: [
    'The log knows no entry about you: you were never looked at.',
    'کھاتے میں آپ کے بارے میں کوئی اندراج نہیں: آپ کو کبھی نہیں دیکھا گیا۔',
  ],
  didOpen: [
    'What each entry says is what was sealed into it when it was made.',
    'ہر اندراج وہی کہتا ہے جو بنتے وقت اس میں بند کیا گیا تھا۔',
  ],
  didRemember: [
    'It continues the history you kept from last time.',
    'یہ اسی تاریخ کا تسلسل ہے جو آپ نے پچھلی بار رکھی تھی۔',
  ],
  entries: ['Entries about you', 'آپ کے بارے میں اندراجات'],
  entry: ['entry {index}', 'اندراج {index}'],
  DISCLOSURE: ['Your records were shown', 'آپ کا ریکارڈ دکھایا گیا'],
  DENIED: ['A look at you was refused', 'آپ کو دیکھنے سے انکار کیا گیا'],
  ERASURE: ['Records of looks were erased', 'نظروں کا ریکارڈ مٹایا گیا'],
  ALERT: ['An alarm named you', 'ایک انتباہ میں آپ کا ذکر آیا'],
  other: ['An entry about you', 'آپ کے بارے میں ایک اندراج'],
  purpose: ['Purpose', 'مقصد'],
  fields: ['What was seen', 'کیا دیکھا گیا'],
  denial: ['Why refused', 'انکار کی وجہ'],
  sealed: [
    'Hidden until {time}, as the law allows for some purposes. On that day it opens by itself.',
    '{time} تک پوشیدہ، جیسا کہ قانون بعض مقاصد کے لیے اجازت دیتا ہے۔ اس دن یہ خود کھل جائے گا۔',
  ],
  erased: [
    'Its content was erased, and the erasure is itself in the log.',
    'اس کا متن مٹا دیا گیا، اور یہ مٹانا خود کھاتے میں درج ہے۔',
  ],
  pruned: [
    'Older than the log keeps contents; that it was there is still proven.',
    'کھاتہ اتنے پرانے متن نہیں رکھتا؛ یہ کہ اندراج تھا، اب بھی ثابت ہے۔',
  ],
  keep: ['Keep for next time', 'اگلی بار کے لیے رکھیں'],
  keepHint: [
    'A small file without personal data. With it, the next check also shows that nothing older was rewritten.',
    'ایک چھوٹی فائل جس میں ذاتی معلومات نہیں۔ اس سے اگلی جانچ یہ بھی دکھائے گی کہ پرانا کچھ دوبارہ نہیں لکھا گیا۔',
  ],
  evidence: [
    'Keep the file: it is evidence. Show it to the ombudsman or to a lawyer.',
    'فائل سنبھال کر رکھیں: یہ ثبوت ہے۔ اسے محتسب یا وکیل کو دکھائیں۔',
  ],
  again: [
    'Download a new history and check again before you conclude anything.',
    'کوئی نتیجہ نکالنے سے پہلے نئی تاریخ لیں اور دوبارہ جانچیں۔',
  ],
  forExperts: ['For experts', 'ماہرین کے لیے'],
};

// What each failing step means. `again`: a fresh file may well hold; otherwise it is evidence.
export const faults = {
  malformed: [
    'This is not a history in its exact form. Perhaps the download was cut short, or the file was edited.',
    'یہ درست شکل میں تاریخ نہیں۔ شاید ڈاؤن لوڈ ادھورا رہا، یا فائل میں ردوبدل ہوا۔',
    'again',
  ],
  checkpoint: [
    "The state of the log is not signed as the keys demand: a signature is missing or wrong, or the keys are of another log.",
    'کھاتے کی حالت پر وہ دستخط نہیں جو چابیاں مانگتی ہیں: دستخط غائب یا غلط ہیں، یا چابیاں کسی اور کھاتے کی ہیں۔',
    'evidence',
  ],
  quorum: [
    'Too few witnesses signed this state of the log. It may have been shown to you alone.',
    'بہت کم گواہوں نے کھاتے کی اس حالت پر دستخط کیے۔ ممکن ہے یہ صرف آپ کو دکھائی گئی ہو۔',
    'evidence',
  ],
  stale_checkpoint: [
    'The file is older than ten minutes by the clock of this device, so newer looks could be missing.',
    'اس آلے کی گھڑی کے مطابق فائل دس منٹ سے پرانی ہے، اس لیے نئی نظریں غائب ہو سکتی ہیں۔',
    'again',
  ],
  genesis: [
    'The file does not begin with the first entry of this log.',
    'فائل اس کھاتے کے پہلے اندراج سے شروع نہیں ہوتی۔',
    'evidence',
  ],
  epoch: [
    'The statement up to when this history is complete is not in the log as shown.',
    'یہ بیان کہ تاریخ کب تک مکمل ہے، کھاتے میں اس طرح موجود نہیں۔',
    'evidence',
  ],
  stale_epoch: [
    'Entries have waited too long to be counted: the exchange has stopped stating what is complete.',
    'اندراجات گنے جانے کے لیے بہت دیر سے منتظر ہیں: تبادلہ مرکز نے یہ بتانا چھوڑ دیا ہے کہ کیا مکمل ہے۔',
    'evidence',
  ],
  label: [
    'This is not the history of the national ID number you gave. Check the number first.',
    'یہ اس شناختی نمبر کی تاریخ نہیں جو آپ نے لکھا۔ پہلے نمبر دیکھ لیں۔',
    'again',
  ],
  bucket: [
    'The place in the map where you are counted is not shown as it must be.',
    'نقشے میں وہ جگہ جہاں آپ گنے جاتے ہیں، ویسی نہیں دکھائی گئی جیسی ہونی چاہیے۔',
    'evidence',
  ],
  map_root: [
    'The map shown to you is not the one the log committed to.',
    'آپ کو دکھایا گیا نقشہ وہ نہیں جس کا کھاتے نے اقرار کیا تھا۔',
    'evidence',
  ],
  map_value: [
    'Entries are listed that the log does not count for you.',
    'ایسے اندراجات ہیں جو کھاتہ آپ کے نہیں گنتا۔',
    'evidence',
  ],
  order: [
    'The entries are not in the order of the log.',
    'اندراجات کھاتے کی ترتیب میں نہیں۔',
    'evidence',
  ],
  chain: [
    'The list is not what the log counts: a look at you was left out, added or changed.',
    'فہرست وہ نہیں جو کھاتہ گنتا ہے: آپ پر کوئی نظر چھوڑی گئی، بڑھائی گئی یا بدلی گئی۔',
    'evidence',
  ],
  inclusion: [
    'A listed entry is not in the log at its place.',
    'فہرست کا ایک اندراج کھاتے میں اپنی جگہ پر نہیں۔',
    'evidence',
  ],
  opening_subject: [
    'An entry is not shown to be about you.',
    'ایک اندراج کا آپ کے بارے میں ہونا ثابت نہیں۔',
    'evidence',
  ],
  opening_actor: [
    'The account shown for an entry is not the one that was recorded.',
    'ایک اندراج کے لیے دکھایا گیا کھاتہ دار وہ نہیں جو درج ہوا تھا۔',
    'evidence',
  ],
  opening_body: [
    'What an entry is said to contain is not what was recorded, or its purpose is kept from you.',
    'ایک اندراج کا بتایا گیا متن وہ نہیں جو درج ہوا تھا، یا اس کا مقصد آپ سے چھپایا گیا۔',
    'evidence',
  ],
  retention: [
    'An entry is missing its content, and no published rule of retention lets it go.',
    'ایک اندراج کا متن غائب ہے، اور مدتِ حفاظت کا کوئی شائع شدہ اصول اس کی اجازت نہیں دیتا۔',
    'evidence',
  ],
  erasure: [
    'An entry is said to be erased, and no erasure is recorded for it.',
    'ایک اندراج کو مٹایا ہوا کہا گیا، مگر اس کا مٹانا درج نہیں۔',
    'evidence',
  ],
  seal_date: [
    'An entry is hidden from you without a date, or past its date: it should be open.',
    'ایک اندراج بغیر تاریخ کے یا تاریخ گزرنے کے بعد بھی آپ سے پوشیدہ ہے: اسے کھلا ہونا چاہیے۔',
    'evidence',
  ],
  rewritten: [
    'What you kept from last time is not the beginning of this history: the past was rewritten.',
    'پچھلی بار کی رکھی ہوئی تاریخ اس تاریخ کا آغاز نہیں: ماضی دوبارہ لکھا گیا۔',
    'evidence',
  ],
};
