using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Minimax.Sample;

var effort = new Option<double>("--effort") { Description = "A factor on the number of data sets", DefaultValueFactory = _ => 1 };
var seed = new Option<int>("--seed") { Description = "The first seed of the data sets", DefaultValueFactory = _ => 1 };
var output = new Option<string>("--out") { Description = "The folder of the report", DefaultValueFactory = _ => "out" };
effort.Validators.Add(result =>
{
    if (!(result.GetValueOrDefault<double>() is > 0 and <= 1000))
    {
        result.AddError("--effort must be above 0 and at most 1000.");
    }
});

var command = new RootCommand("Measures the errors and rates of the kernel score on laws that are known, beside theory.") { effort, seed, output };
command.SetAction(parsed =>
{
    var watch = Stopwatch.StartNew();
    var folder = parsed.GetValue(output)!;
    new Study(parsed.GetValue(effort), parsed.GetValue(seed), folder).Run();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrote {Path.Combine(folder, "report.md")} after {watch.Elapsed.TotalSeconds:0} s"));
});
return command.Parse(args).Invoke();
