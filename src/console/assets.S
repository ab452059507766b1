/* The files of console/, as they are, inside the program. */
.section .rodata
.global amanat_console_css, amanat_console_css_end
.global amanat_console_js, amanat_console_js_end
.global amanat_console_font, amanat_console_font_end
amanat_console_css: .incbin "console/console.css"
amanat_console_css_end:
amanat_console_js: .incbin "console/console.js"
amanat_console_js_end:
amanat_console_font: .incbin "console/nastaliq.woff2"
amanat_console_font_end:
.section .note.GNU-stack,"",%progbits
