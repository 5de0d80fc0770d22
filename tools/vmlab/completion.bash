# SPDX-License-Identifier: GPL-2.0
#
# Completion of vmlab's command line, for bash.

_vmlab()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)) || [[ ${COMP_WORDS[1]} == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'clone demo ls map pool record run sim snapshot stat top trace help --help --version' -- "$word")
		return
	fi
	# "=" is a word of its own.
	local option=$previous
	[[ $previous != = ]] || option=${COMP_WORDS[COMP_CWORD - 2]}
	case $option:${COMP_WORDS[1]} in
	--color:*)
		mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "${word#=}")
		return ;;
	--format:sim | --from:trace | --to:trace | -t:trace)
		mapfile -t COMPREPLY < <(compgen -W 'text csv oracleGeneral vmlab' -- "${word#=}")
		return ;;
	--lirs:sim)
		mapfile -t COMPREPLY < <(compgen -W 'libcachesim paper' -- "${word#=}")
		return ;;
	--policy:sim | -p:sim)
		mapfile -t COMPREPLY < <(compgen -W 'random fifo clock lru 2q arc sieve s3fifo lirs opt all' -- "${word#=}")
		return ;;
	--svg:sim)
		mapfile -t COMPREPLY < <(compgen -f -- "${word#=}")
		return ;;
	--budget:pool | --store-limit:pool)
		mapfile -t COMPREPLY < <(compgen -W 'none' -- "${word#=}")
		return ;;
	--policy:pool | --policy:run)
		mapfile -t COMPREPLY < <(compgen -W 'random fifo clock lru 2q arc sieve s3fifo lirs' -- "${word#=}")
		return ;;
	--store:pool | --store:run)
		mapfile -t COMPREPLY < <(compgen -W 'zs file:' -- "${word#=}")
		return ;;
	--latency:pool)
		mapfile -t COMPREPLY < <(compgen -W 'on off' -- "${word#=}")
		return ;;
	--sort:top | -s:top)
		mapfile -t COMPREPLY < <(compgen -W 'faults evicted swapped-in resident stored working-set' -- "${word#=}")
		return ;;
	--compare:run)
		mapfile -t COMPREPLY < <(compgen -W 'all random fifo clock lru 2q arc sieve s3fifo lirs' -- "${word#=}")
		return ;;
	--codec:pool | --codec:run)
		mapfile -t COMPREPLY < <(compgen -W 'lz4 zstd lzo-rle' -- "${word#=}")
		return ;;
	-o:snapshot | --output:snapshot | -o:record | --output:record | --record:run)
		mapfile -t COMPREPLY < <(compgen -f -- "${word#=}")
		return ;;
	esac
	# What follows "--" is another command; files are what its arguments may be.
	if [[ ${COMP_WORDS[1]} == @(clone|run) && " ${COMP_WORDS[*]:2:COMP_CWORD-2} " == *' -- '* ]]; then
		if [[ $previous == -- ]]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		return
	fi
	case ${COMP_WORDS[1]}:$word in
	clone:-*) mapfile -t COMPREPLY < <(compgen -W '--fd= --help --' -- "$word") ;;
	run:-*)
		mapfile -t COMPREPLY < <(compgen -W '--budget= --codec= --compare= --front= --policy= --record= --stat
			--store= --store-limit= --window= --help --' -- "$word") ;;
	record:-*) mapfile -t COMPREPLY < <(compgen -W '--fd= --for= --output= --window= --help' -- "$word") ;;
	run:*) mapfile -t COMPREPLY < <(compgen -c -- "$word") ;;
	snapshot:-*) mapfile -t COMPREPLY < <(compgen -W '--fd= --json --output= --help' -- "$word") ;;
	pool:-*)
		mapfile -t COMPREPLY < <(compgen -W '--budget= --bytes --codec= --fd= --front= --histograms --json --latency= --policy=
			--store= --store-limit= --help' -- "$word") ;;
	clone:* | pool:* | record:* | snapshot:*) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	demo:-*) mapfile -t COMPREPLY < <(compgen -W '--color= --json --pause --help' -- "$word") ;;
	demo:*) mapfile -t COMPREPLY < <(compgen -f -W 'cow share swap' -- "$word") ;;
	ls:*) mapfile -t COMPREPLY < <(compgen -W '--bytes --json --help' -- "$word") ;;
	map:-*) mapfile -t COMPREPLY < <(compgen -W '--color= --fd= --json --lines= --help' -- "$word") ;;
	map:*) mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$word") ;;
	sim:-*) mapfile -t COMPREPLY < <(compgen -W '--cache= --color= --curve --format= --json --lirs= --policy= --seed= --svg= --help' -- "$word") ;;
	sim:*) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	top:*) mapfile -t COMPREPLY < <(compgen -W '--batch= --bytes --delay= --sort= --help' -- "$word") ;;
	trace:-*) mapfile -t COMPREPLY < <(compgen -W '--from= --to= --zstd --help' -- "$word") ;;
	trace:*) if ((COMP_CWORD == 2)); then
		mapfile -t COMPREPLY < <(compgen -W 'convert' -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi ;;
	stat:*) mapfile -t COMPREPLY < <(compgen -W '--bytes --fd= --json --help' -- "$word") ;;
	esac
	[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
}

complete -o filenames -F _vmlab vmlab
