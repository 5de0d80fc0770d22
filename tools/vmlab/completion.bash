# SPDX-License-Identifier: GPL-2.0
#
# Completion of vmlab's command line, for bash.

_vmlab()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)) || [[ ${COMP_WORDS[1]} == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'demo ls map stat help --help --version' -- "$word")
		return
	fi
	# "=" is a word of its own.
	if [[ $word == = || $previous == = && ${COMP_WORDS[COMP_CWORD - 2]} == --color ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "${word#=}")
		return
	fi
	case ${COMP_WORDS[1]}:$word in
	demo:-*) mapfile -t COMPREPLY < <(compgen -W '--color= --json --pause --help' -- "$word") ;;
	demo:*) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	ls:*) mapfile -t COMPREPLY < <(compgen -W '--bytes --json --help' -- "$word") ;;
	map:-*) mapfile -t COMPREPLY < <(compgen -W '--color= --fd= --json --lines= --help' -- "$word") ;;
	map:*) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	stat:*) mapfile -t COMPREPLY < <(compgen -W '--bytes --fd= --json --help' -- "$word") ;;
	esac
	[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
}

complete -o filenames -F _vmlab vmlab
