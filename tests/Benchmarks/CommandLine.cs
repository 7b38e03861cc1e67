using System.CommandLine;
using Mdl.Benchmarks.Cases;
using Mdl.Benchmarks.Own;
using Mdl.Benchmarks.Reports;

namespace Mdl.Benchmarks;

/// <summary>Chooses cases, runs them in turn and reports.</summary>
internal static class CommandLine
{
    public static int Run(string[] args)
    {
        var cases = new Argument<string[]>("cases")
        {
            Description = $"What to measure; everything if left out: {string.Join(", ", BenchmarkCase.All.Select(c => c.Name))}",
            Arity = ArgumentArity.ZeroOrMore,
        };
        cases.AcceptOnlyFromAmong([.. BenchmarkCase.All.Select(c => c.Name)]);
        var threads = new Option<int>("--threads") { Description = "Threads of either side", DefaultValueFactory = _ => Environment.ProcessorCount };
        var rounds = new Option<int>("--rounds") { Description = "How often the two sides take turns", DefaultValueFactory = _ => 7 };
        var markdown = new Option<FileInfo?>("--markdown") { Description = "Where to put the table: a new file, or a file that has the marks of an earlier table" };
        var alone = new Option<bool>("--alone") { Description = "Leave libtorch out" };
        var llama = new Option<string?>("--llama") { HelpName = "PROGRAM", Description = "llama.cpp, for the case serving: see docs/performance.md" };
        var llamaModels = new Option<string[]>("--llama-model") { HelpName = "FORMAT=FILE", Description = "A model for it, as in int8=model.gguf" };
        var command = new RootCommand("Measures Mdl and, where it has been built, libtorch in the same run.") { cases, threads, rounds, alone, markdown, llama, llamaModels };
        command.SetAction(parsed =>
        {
            var chosen = parsed.GetValue(cases) is { Length: > 0 } names ? BenchmarkCase.All.Where(c => names.Contains(c.Name)).ToArray() : BenchmarkCase.All;
            Run(chosen, new BenchmarkContext(parsed.GetValue(threads), parsed.GetValue(rounds), parsed.GetValue(alone), parsed.GetValue(llama), parsed.GetValue(llamaModels)), parsed.GetValue(markdown));
        });
        command.Subcommands.Add(Sweep(threads));
        return command.Parse(args).Invoke();
    }

    private static Command Sweep(Option<int> threads)
    {
        var filter = new Argument<string>("filter") { Description = "Part of the name of a product", DefaultValueFactory = _ => "" };
        var command = new Command("sweep", "Measures our products of many more sizes and loads of experts.") { filter, threads };
        command.SetAction(parsed => ProductSweep.Run(parsed.GetValue(filter)!, parsed.GetValue(threads)));
        return command;
    }

    private static void Run(IReadOnlyList<BenchmarkCase> cases, BenchmarkContext context, FileInfo? markdown)
    {
        var machine = Machine.Describe(context);
        Console.WriteLine(machine);
        if (!File.Exists(context.PeerPath))
        {
            Console.WriteLine($"No libtorch beside: there is no {context.PeerPath}; tests/Benchmarks/run.sh builds it.");
        }

        var rows = new List<Row>();
        foreach (var benchmark in cases)
        {
            var measured = benchmark.Run(context).ToArray();
            Console.WriteLine();
            Console.WriteLine(Table.ToText(measured));
            rows.AddRange(measured);
        }

        if (markdown is not null)
        {
            MarkdownFile.Write(markdown.FullName, $"{machine}\n\n{Table.ToMarkdown(rows)}");
        }
    }
}
