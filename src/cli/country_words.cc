#include "cli/country_words.h"

namespace amanat::cli {
namespace {

constexpr CountryName kMale[] = {
    {"Ahmed", "احمد"},     {"Ali", "علی"},         {"Bilal", "بلال"},      {"Danish", "دانش"},   {"Ehsan", "احسان"},
    {"Fahad", "فہد"},      {"Faisal", "فیصل"},     {"Farhan", "فرحان"},    {"Ghulam", "غلام"},   {"Hamza", "حمزہ"},
    {"Haroon", "ہارون"},   {"Hassan", "حسن"},      {"Imran", "عمران"},     {"Irfan", "عرفان"},   {"Jamil", "جمیل"},
    {"Junaid", "جنید"},    {"Kamran", "کامران"},   {"Kashif", "کاشف"},     {"Khalid", "خالد"},   {"Liaqat", "لیاقت"},
    {"Majid", "ماجد"},     {"Mansoor", "منصور"},   {"Nadeem", "ندیم"},     {"Naveed", "نوید"},   {"Obaid", "عبید"},
    {"Omar", "عمر"},       {"Pervaiz", "پرویز"},   {"Qasim", "قاسم"},      {"Rashid", "راشد"},   {"Rizwan", "رضوان"},
    {"Saad", "سعد"},       {"Salman", "سلمان"},    {"Shahid", "شاہد"},     {"Sohail", "سہیل"},   {"Tahir", "طاہر"},
    {"Talha", "طلحہ"},     {"Tariq", "طارق"},      {"Usman", "عثمان"},     {"Waqas", "وقاص"},    {"Waseem", "وسیم"},
    {"Yasir", "یاسر"},     {"Yousaf", "یوسف"},     {"Zahid", "زاہد"},      {"Zaman", "زمان"},    {"Zubair", "زبیر"},
    {"Zulfiqar", "ذوالفقار"}};

constexpr CountryName kFemale[] = {
    {"Aisha", "عائشہ"},    {"Amina", "آمنہ"},      {"Asma", "اسماء"},      {"Bushra", "بشریٰ"},  {"Farah", "فرح"},
    {"Farzana", "فرزانہ"}, {"Fatima", "فاطمہ"},    {"Fouzia", "فوزیہ"},    {"Gulnaz", "گلناز"},  {"Hina", "حنا"},
    {"Humaira", "حمیرا"},  {"Iqra", "اقرا"},       {"Javeria", "جویریہ"},  {"Khadija", "خدیجہ"}, {"Kiran", "کرن"},
    {"Lubna", "لبنیٰ"},    {"Maryam", "مریم"},     {"Mehwish", "مہوش"},    {"Nadia", "نادیہ"},   {"Naila", "نائلہ"},
    {"Nazia", "نازیہ"},    {"Nida", "ندا"},        {"Noreen", "نورین"},    {"Parveen", "پروین"}, {"Rabia", "رابعہ"},
    {"Rukhsana", "رخسانہ"}, {"Saba", "صبا"},       {"Sadia", "سعدیہ"},     {"Saima", "صائمہ"},   {"Samina", "ثمینہ"},
    {"Sana", "ثناء"},      {"Shabana", "شبانہ"},   {"Shazia", "شازیہ"},    {"Sidra", "سدرہ"},    {"Sumera", "سمیرا"},
    {"Tahira", "طاہرہ"},   {"Tayyaba", "طیبہ"},    {"Uzma", "عظمیٰ"},      {"Yasmeen", "یاسمین"}, {"Zainab", "زینب"},
    {"Zara", "زارا"},      {"Zubaida", "زبیدہ"}};

constexpr CountryName kSurnames[] = {
    {"Abbasi", "عباسی"},   {"Akhtar", "اختر"},     {"Akram", "اکرم"},      {"Anwar", "انور"},    {"Arshad", "ارشد"},
    {"Aslam", "اسلم"},     {"Awan", "اعوان"},      {"Aziz", "عزیز"},       {"Baig", "بیگ"},      {"Baloch", "بلوچ"},
    {"Bhatti", "بھٹی"},    {"Butt", "بٹ"},         {"Chaudhry", "چوہدری"}, {"Dar", "ڈار"},       {"Durrani", "درانی"},
    {"Farooq", "فاروق"},   {"Ghani", "غنی"},       {"Gilani", "گیلانی"},   {"Gondal", "گوندل"},  {"Hashmi", "ہاشمی"},
    {"Hussain", "حسین"},   {"Iqbal", "اقبال"},     {"Javed", "جاوید"},     {"Kakar", "کاکڑ"},    {"Khalil", "خلیل"},
    {"Khan", "خان"},       {"Khattak", "خٹک"},     {"Latif", "لطیف"},      {"Lodhi", "لودھی"},   {"Mahmood", "محمود"},
    {"Malik", "ملک"},      {"Memon", "میمن"},      {"Mirza", "مرزا"},      {"Mughal", "مغل"},    {"Nawaz", "نواز"},
    {"Niazi", "نیازی"},    {"Qureshi", "قریشی"},   {"Raja", "راجہ"},       {"Rana", "رانا"},     {"Rehman", "رحمان"},
    {"Riaz", "ریاض"},      {"Saeed", "سعید"},      {"Shah", "شاہ"},        {"Sheikh", "شیخ"},    {"Siddiqui", "صدیقی"},
    {"Soomro", "سومرو"},   {"Tanoli", "تنولی"},    {"Warraich", "وڑائچ"},  {"Yousafzai", "یوسفزئی"}};

constexpr District kDistricts[] = {
    {"Lahore", 35202, 24, {"Ichhra", "Model Town", "Gulberg III", "Township", "Iqbal Town"}},
    {"Karachi", 42101, 24, {"Clifton", "North Nazimabad", "Gulshan-e-Iqbal", "Korangi", "Saddar"}},
    {"Rawalpindi", 37405, 12, {"Saddar", "Dhoke Khabba", "Satellite Town", "Westridge", "Pirwadhai"}},
    {"Faisalabad", 33100, 12, {"Madina Town", "Jinnah Colony", "Peoples Colony", "Samanabad", "Gulistan Colony"}},
    {"Multan", 36302, 8, {"Cantt", "Shah Rukn-e-Alam", "Gulgasht", "Mumtazabad", "New Multan"}},
    {"Gujranwala", 34101, 8, {"Civil Lines", "Wapda Town", "Satellite Town", "Model Town", "Peoples Colony"}},
    {"Peshawar", 17301, 7, {"University Town", "Hayatabad", "Gulbahar", "Faqirabad", "Town"}},
    {"Quetta", 54400, 5, {"Jinnah Town", "Satellite Town", "Cantt", "Brewery", "Sariab"}}};

constexpr Operator kOperators[] = {
    {"Jazz", 300, 10, "41001"}, {"Zong", 310, 9, "41004"}, {"Ufone", 330, 8, "41003"}, {"Telenor", 340, 10, "41006"}};

constexpr std::string_view kHotels[] = {"Hotel Mehran",   "Hotel Pearl View", "Hotel Al-Noor", "Hotel Grand",
                                        "Hotel Shalimar", "Hotel Crown",      "Hotel Indus"};

constexpr std::string_view kSections[] = {"420/468/471 PPC", "337-A(i) PPC", "379 PPC",  "506-B PPC", "380/457 PPC",
                                          "9(c) CNSA",       "302/34 PPC",   "365-B PPC", "392 PPC",   "489-F PPC"};

constexpr Unit kUnits[] = {
    {"police", "Investigation Lahore", "PO", 0},     {"police", "Investigation Karachi", "PO", 1},
    {"police", "Investigation Rawalpindi", "PO", 2}, {"police", "Investigation Faisalabad", "PO", 3},
    {"police", "Investigation Multan", "PO", 4},     {"police", "Investigation Gujranwala", "PO", 5},
    {"police", "Investigation Peshawar", "PO", 6},   {"police", "Investigation Quetta", "PO", 7},
    {"fia", "Cyber Crime Lahore", "FI", 0},          {"fia", "Cyber Crime Karachi", "FI", 1},
    {"fia", "Cyber Crime Rawalpindi", "FI", 2},      {"fia", "Cyber Crime Multan", "FI", 4},
    {"excise", "Token Lahore", "EX", 0},             {"nadra", "Registration Lahore", "NA", 0}};

}  // namespace

std::span<const CountryName> male_names() { return kMale; }
std::span<const CountryName> female_names() { return kFemale; }
std::span<const CountryName> surnames() { return kSurnames; }
std::span<const District> districts() { return kDistricts; }
std::span<const Operator> operators() { return kOperators; }
std::span<const std::string_view> hotel_names() { return kHotels; }
std::span<const std::string_view> law_sections() { return kSections; }
std::span<const Unit> units() { return kUnits; }

}  // namespace amanat::cli
