"""What the columns of public tables are, written by hand from what their publishers say of them.

A value is a role (id, time, text, constant) or kinds, several where both say the same of the column.
"""

WHOLE, NUMBER = "integer", "numeric"
NAMED, FLAG, RANK = "categorical", "boolean", "ordinal"
CODES, RANKS = "categorical|boolean", "ordinal|integer"


def _all(answer: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), answer)


KEY = {
    "german": {
        **_all("categorical|ordinal|boolean", "a0 a2 a3 a5 a6 a8 a9 a11 a13 a14 a16 a18 a19"),
        **_all(WHOLE, "a1 a4 a12 a15 a17"),
        **_all(RANKS, "a7 a10"),
    },
    "taiwan": {
        "ID": "id",
        **_all(CODES, "SEX EDUCATION MARRIAGE"),
        **_all(WHOLE, "LIMIT_BAL AGE BILL_AMT1 BILL_AMT2 BILL_AMT3 BILL_AMT4 BILL_AMT5 BILL_AMT6"),
        **_all(WHOLE, "PAY_AMT1 PAY_AMT2 PAY_AMT3 PAY_AMT4 PAY_AMT5 PAY_AMT6"),
        **_all(RANKS, "PAY_0 PAY_2 PAY_3 PAY_4 PAY_5 PAY_6"),
    },
    "lendingclub": {
        **_all(WHOLE, "loan_amnt funded_amnt delinq_2yrs inq_last_6mths mths_since_last_delinq mths_since_last_record"),
        **_all(WHOLE, "open_acc pub_rec revol_bal total_acc pub_rec_bankruptcies settlement_term"),
        **_all(NUMBER, "funded_amnt_inv int_rate installment annual_inc dti revol_util total_pymnt total_pymnt_inv"),
        **_all(NUMBER, "total_rec_prncp total_rec_int total_rec_late_fee recoveries collection_recovery_fee"),
        **_all(NUMBER, "last_pymnt_amnt settlement_amount settlement_percentage"),
        **_all(RANK, "grade sub_grade emp_length"),
        **_all("ordinal|categorical", "verification_status"),
        **_all("ordinal|integer|categorical", "term"),
        **_all(NAMED, "home_ownership purpose addr_state zip_code emp_title title settlement_status"),
        **_all(
            "time", "issue_d earliest_cr_line last_pymnt_d last_credit_pull_d debt_settlement_flag_date settlement_date"
        ),
        **_all(
            "constant", "pymnt_plan initial_list_status out_prncp out_prncp_inv collections_12_mths_ex_med policy_code"
        ),
        **_all("constant", "application_type chargeoff_within_12_mths delinq_amnt tax_liens hardship_flag"),
        **_all("constant", "disbursement_method"),
        **_all("integer|boolean|constant", "acc_now_delinq"),
        "debt_settlement_flag": FLAG,
        "issue_year": WHOLE,
    },
    "coil": {
        **{f"v{i}": "integer|ordinal|boolean" for i in range(1, 86)},
        "v1": NAMED,
        "v5": NAMED,
    },
    "claims": {
        **_all("categorical|ordinal", "Month DayOfWeek DayOfWeekClaimed MonthClaimed"),
        **_all(RANKS, "WeekOfMonth WeekOfMonthClaimed DriverRating Deductible"),
        **_all(CODES, "Make AccidentArea Sex MaritalStatus Fault PolicyType VehicleCategory AgentType BasePolicy"),
        **_all(RANK, "VehiclePrice Days_Policy_Accident Days_Policy_Claim PastNumberOfClaims AgeOfVehicle"),
        **_all(RANK, "AgeOfPolicyHolder NumberOfSuppliments AddressChange_Claim NumberOfCars"),
        **_all(FLAG, "PoliceReportFiled WitnessPresent"),
        **_all(WHOLE, "Age Year"),
        "RepNumber": NAMED,
        "PolicyNumber": "id",
    },
    "fremtpl2": {
        "IDpol": "id",
        **_all(WHOLE, "ClaimNb VehPower VehAge DrivAge BonusMalus Density"),
        "Exposure": NUMBER,
        **_all(CODES, "VehBrand VehGas Region"),
        "Area": RANK,
    },
    "insurance": {
        **_all(WHOLE, "age children"),
        **_all(CODES, "sex region smoker"),
        **_all(NUMBER, "bmi"),
    },
    "loan": {
        "Loan_ID": "id",
        **_all(CODES, "Gender Married Education Self_Employed Property_Area Credit_History"),
        "Dependents": "ordinal|integer",
        **_all(WHOLE, "ApplicantIncome LoanAmount Loan_Amount_Term"),
        "CoapplicantIncome": NUMBER,
    },
    "gmsc": {
        "Unnamed: 0": "id",
        **_all(NUMBER, "RevolvingUtilizationOfUnsecuredLines DebtRatio"),
        **_all(WHOLE, "age NumberOfTime30-59DaysPastDueNotWorse MonthlyIncome NumberOfOpenCreditLinesAndLoans"),
        **_all(WHOLE, "NumberOfTimes90DaysLate NumberRealEstateLoansOrLines NumberOfTime60-89DaysPastDueNotWorse"),
        **_all(WHOLE, "NumberOfDependents"),
    },
    "breast cancer": {"*": NUMBER},
    "diabetes": {"*": NUMBER, "sex": CODES, "s4": NUMBER},
    "wine": {"*": NUMBER, "magnesium": "numeric|integer", "proline": "numeric|integer"},
    "iris": {"*": NUMBER},
}
