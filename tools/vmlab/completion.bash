# SPDX-License-Identifier: GPL-2.0
#
# Completion of vmlab's command line, for bash.

_vmlab()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)) || [[ ${COMP_WORDS[1]} == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'clone demo ls map snapshot stat help --help --version' -- "$word")
		return
	fi
	# "=" is a word of its own.
	local option=$previous
	[[ $previous != = ]] || option=${COMP_WORDS[COMP_CWORD - 2]}
	case $option:${COMP_WORDS[1]} in
	--color:*)
		mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "${word#=}")
		return ;;
	-o:snapshot | --output:snapshot)
		mapfile -t COMPREPLY < <(compgen -f -- "${word#=}")
		return ;;
	esac
	# What follows "--" is another command; files are what its arguments may be.
	if [[ ${COMP_WORDS[1]} == clone && " ${COMP_WORDS[*]:2:COMP_CWORD-2} " == *' -- '* ]]; then
		if [[ $previous == -- ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		return
	fi
	case ${COMP_WORDS[1]}:$word in
	clone:-*) mapfile -t COMPREPLY < <(compgen -W '--fd= --help --' -- "$word") ;;
	snapshot:-*) mapfile -t COMPREPLY < <(compgen -W '--fd= --json --output= --help' -- "$word") ;;
	clone:* | snapshot:*) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	demo:-*) mapfile -t COMPREPLY < <(compgen -W '--color= --json --pause --help' -- "$word") ;;
	demo:*) mapfile -t COMPREPLY < <(compgen -f -W 'cow share' -- "$word") ;;
	ls:*) mapfile -t COMPREPLY < <(compgen -W '--bytes --json --help' -- "$word") ;;
	map:-*) mapfile -t COMPREPLY < <(compgen -W '--color= --fd= --json --lines= --help' -- "$word") ;;
	map:*) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	stat:*) mapfile -t COMPREPLY < <(compgen -W '--bytes --fd= --json --help' -- "$word") ;;
	esac
	[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
}

complete -o filenames -F _vmlab vmlab
