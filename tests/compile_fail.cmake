# Each case calls the compiler and is judged by the reason it gives, which replaces the exit code: a
# wrong include path would make every "must fail" pass. The control entry must compile.
set(COMPILE_FAIL ${CMAKE_CXX_COMPILER} -std=c++23 -fsyntax-only -I${CMAKE_SOURCE_DIR}/src
    ${CMAKE_SOURCE_DIR}/tests/compile_fail/passes_case.cc)
add_test(NAME compile_fail.honest_path_compiles COMMAND ${COMPILE_FAIL} -DCASE=0)

function(must_not_compile number name reason)
  add_test(NAME compile_fail.${name} COMMAND ${COMPILE_FAIL} -DCASE=${number})
  set_tests_properties(compile_fail.${name} PROPERTIES PASS_REGULAR_EXPRESSION "${reason}")
endfunction()

set(PRIVATE "is private|private constructor|private member|within this context")
must_not_compile(1 a_caller_cannot_be_forged "${PRIVATE}")
must_not_compile(2 a_grant_cannot_be_forged "${PRIVATE}")
must_not_compile(3 a_clearance_cannot_be_forged "${PRIVATE}")
must_not_compile(4 findings_cannot_be_forged "${PRIVATE}")
must_not_compile(5 a_draft_cannot_be_forged "${PRIVATE}")
must_not_compile(6 a_receipt_cannot_be_forged "${PRIVATE}")
must_not_compile(7 an_answer_cannot_be_forged "${PRIVATE}")
must_not_compile(8 a_pass_cannot_be_copied "deleted")
must_not_compile(9 the_grant_cannot_be_skipped "cannot convert|no viable conversion|could not convert")
must_not_compile(10 the_clearance_cannot_be_skipped "cannot convert|no viable conversion|could not convert")
must_not_compile(11 the_receipt_cannot_be_skipped "too few arguments|no matching function")
must_not_compile(12 the_settled_stamp_cannot_be_forged "${PRIVATE}")
must_not_compile(13 the_standing_stamp_cannot_be_forged "${PRIVATE}")
must_not_compile(14 a_route_without_a_caller_does_not_build "no matching (member )?function")
must_not_compile(15 an_open_route_must_be_on_the_list "no matching (member )?function|too few arguments|cannot convert")
must_not_compile(16 a_result_is_not_its_value "cannot convert|no viable conversion|could not convert")
