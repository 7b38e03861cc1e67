using System.CommandLine;
using System.Globalization;
using System.Numerics;
using Mdl.Runtime.Generation;

namespace Ling.Sample;

/// <summary>The options of the program and their help.</summary>
public static class CommandLine
{
    public static RootCommand Create(Func<RunOptions, int> run)
    {
        var data = new Option<string?>("--data") { HelpName = "FILE|DIR", Description = "Text to train on [default: the API documentation of the installed .NET SDK]" };
        var steps = Number<long>("--steps", $"Steps of the whole run, those before a resume included [default: {RunOptions.DefaultSteps}]");
        var batch = Number<int>("--batch", $"Sequences in a batch [default: {RunOptions.DefaultBatch}]");
        var length = Number<int>("--length", $"Predicted tokens in a sequence [default: {RunOptions.DefaultLength}]");
        var seed = Number<ulong>("--seed", "Seed of weights, batches and the sampled text [default: 0]");
        var resume = new Option<string?>("--resume")
        {
            HelpName = "FILE", Arity = ArgumentArity.ZeroOrOne, Description = "Continue from a checkpoint [default: the one in the output folder]",
        };
        var output = new Option<string>("--out") { HelpName = "DIR", Description = "Folder for checkpoint, metrics and pictures", DefaultValueFactory = _ => "out" };
        var quiet = new Option<bool>("--quiet") { Description = "Print the sampled text only" };
        var threads = Number<int>("--threads", "Worker threads [default: one per logical processor]");
        var rate = Number<double>("--learning-rate", "Peak learning rate [default: the model's]");
        var schedule = new Option<string?>("--schedule") { Description = "Learning rate schedule [default: the model's]" };
        schedule.AcceptOnlyFromAmong("constant", "cosine", "wsd");
        var warmup = Number<int>("--warmup", "Steps of warm-up [default: the model's, but at most a tenth of the steps]");
        var evaluate = Number<int>("--eval-every", "Steps between held-out evaluations; 0 for one at the end [default: 50]");
        var checkpoint = Number<int>("--checkpoint-every", "Steps between checkpoints; 0 for one at the end [default: 200]");
        var prompt = new Option<string?>("--prompt") { HelpName = "TEXT", Description = "Text to continue after training [default: one that suits the data]" };
        var generate = Number<int>("--generate", "Most bytes to generate; 0 for none [default: 220]");
        var temperature = Number<double>("--temperature", "Temperature; 0 takes the likeliest byte [default: 0.7]");
        var topK = Number<int>("--top-k", "Draw among the likeliest k bytes; 0 for all [default: 0]");
        var topP = Number<double>("--top-p", "Draw among the likeliest bytes that hold this share [default: 0.95]");
        var minP = Number<double>("--min-p", "Draw among bytes at least this times as likely as the likeliest [default: 0]");
        var penalty = Number<double>("--repetition-penalty", "Factor against bytes that occurred [default: 1]");
        var speculate = Number<int>("--speculate", "Then compare decoding with up to so many drafted bytes, 1 to 3, with plain decoding [default: 0]");
        var plan = new Option<bool>("--plan") { Description = "Print the launches and the memory of a step, and end" };
        var markdown = new Option<string?>("--markdown") { HelpName = "FILE", Description = "With --plan: write the kernels of a layer to a file instead" };
        var profile = new Option<bool>("--profile") { Description = "Print the time of each kernel after training, and write trace.json to the output folder" };

        var root = new RootCommand("Trains Ling Nano, a small mixture-of-experts language model, on text and lets it continue a prompt.")
        {
            data, steps, batch, length, seed, resume, output, quiet, threads, rate, schedule, warmup, evaluate, checkpoint, prompt, generate, temperature, topK, topP,
            minP, penalty, speculate, plan, markdown, profile,
        };
        root.SetAction(result => run(new RunOptions
        {
            Data = result.GetValue(data),
            Steps = result.GetValue(steps),
            Batch = result.GetValue(batch),
            Length = result.GetValue(length),
            Seed = result.GetValue(seed),
            Resume = result.GetResult(resume) is not null,
            ResumeFrom = result.GetValue(resume),
            Prompt = result.GetValue(prompt),
            Out = result.GetValue(output)!,
            Quiet = result.GetValue(quiet),
            Threads = result.GetValue(threads),
            LearningRate = result.GetValue(rate),
            Schedule = result.GetValue(schedule),
            Warmup = result.GetValue(warmup),
            EvalEvery = result.GetValue(evaluate) ?? 50,
            CheckpointEvery = result.GetValue(checkpoint) ?? 200,
            Generate = result.GetValue(generate) ?? 220,
            Speculate = result.GetValue(speculate) ?? 0,
            Plan = result.GetValue(plan),
            Markdown = result.GetValue(markdown),
            Profile = result.GetValue(profile),
            Sampling = new SamplingOptions
            {
                Temperature = result.GetValue(temperature) ?? 0.7,
                TopK = result.GetValue(topK) ?? 0,
                TopP = result.GetValue(topP) ?? 0.95,
                MinP = result.GetValue(minP) ?? 0,
                RepetitionPenalty = result.GetValue(penalty) ?? 1,
            },
        }));
        return root;
    }

    // Parsed by hand: a decimal point whatever the user's culture, and an error without the names of .NET types.
    private static Option<T?> Number<T>(string name, string description)
        where T : struct, INumber<T>, IMinMaxValue<T> => new(name)
    {
        HelpName = "N",
        Description = description,
        CustomParser = result =>
        {
            if (T.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            {
                return value;
            }

            var wanted = !T.IsInteger(T.One / (T.One + T.One)) ? "a number such as 0.5"
                : BigInteger.TryParse(result.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? $"between {T.MinValue} and {T.MaxValue}"
                : "a whole number";
            result.AddError($"{name} is '{result.Tokens[0].Value}'; it must be {wanted}.");
            return null;
        },
    };
}
