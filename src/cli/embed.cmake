# Puts the catalog of Pakistan and the example policy into the program, so that `amanat demo` works
# anywhere. The assembler reads the files behind the build's back (.incbin), so each is named in
# OBJECT_DEPENDS.

file(GLOB EMBEDDED_FILES CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
     ${CMAKE_SOURCE_DIR}/catalog/pakistan/*.toml ${CMAKE_SOURCE_DIR}/examples/policy/*.toml)
list(SORT EMBEDDED_FILES)
set(table "")
set(bytes "")
set(depends "")
set(count 0)
foreach(file ${EMBEDDED_FILES})
  string(APPEND table "  .quad name${count}, name${count}_end - name${count}, data${count}, data${count}_end - data${count}\n")
  string(APPEND bytes "name${count}: .ascii \"${file}\"\nname${count}_end:\n"
                      "data${count}: .incbin \"${CMAKE_SOURCE_DIR}/${file}\"\ndata${count}_end:\n")
  list(APPEND depends ${CMAKE_SOURCE_DIR}/${file})
  math(EXPR count "${count} + 1")
endforeach()
set(EMBEDDED_ASSEMBLY ${CMAKE_BINARY_DIR}/embedded.S)
file(CONFIGURE OUTPUT ${EMBEDDED_ASSEMBLY} CONTENT
"/* made by src/cli/embed.cmake */
.section .data.rel.ro,\"aw\"
.balign 8
.global amanat_embedded
amanat_embedded:
${table}.section .rodata
.balign 8
.global amanat_embedded_count
amanat_embedded_count: .quad ${count}
${bytes}.section .note.GNU-stack,\"\",%progbits
")
set_source_files_properties(${EMBEDDED_ASSEMBLY} PROPERTIES OBJECT_DEPENDS "${depends}")
target_sources(cli PRIVATE ${EMBEDDED_ASSEMBLY})
target_compile_definitions(cli PRIVATE AMANAT_VERSION="${PROJECT_VERSION}")
