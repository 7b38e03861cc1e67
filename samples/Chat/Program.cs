using Ling.Chat;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
using Mdl.Runtime.Models;
using Mdl.Runtime.Text.Tokenizers;

var parsed = CommandLine.Create(Run).Parse(args);
if (parsed.Errors.Count > 0)
{
    return Fail(parsed.Errors[0].Message);
}

return parsed.Invoke(new() { EnableDefaultExceptionHandler = false });

static int Run(ChatOptions options)
{
    // What a user can cause is told in one line; anything else is a bug and may show its stack.
    try
    {
        options.Validate();
        var folder = options.Tokenizer ?? (Directory.Exists(options.Model) ? options.Model : Path.GetDirectoryName(options.Model));
        IConversationText text = folder is not null && (options.Tokenizer is not null || File.Exists(Path.Combine(folder, "tokenizer.json")))
            ? new TemplateText(folder, options)
            : new ByteText(options.System);
        using var device = new Device(options.Threads ?? Environment.ProcessorCount);
        using var model = options.Model is null
            ? ModelFactory.Create(options.Random!, device, options.Sampling.Seed, options.Weights ?? WeightFormat.BFloat16)
            : ModelFactory.Load(options.Model, device, options.Weights);
        if (options.Report)
        {
            ErrorTable.Write(WeightErrors.Between(options.Model!, model), Console.Error);
        }

        if (options.SaveWeights is { } file)
        {
            model.Save(file);
            Console.Error.WriteLine(FormattableString.Invariant($"wrote {file}: {model.Info.Name} held as {model.WeightFormat}, {new FileInfo(file).Length / 1048576.0:F1} MiB"));
            return 0;
        }

        if (text is TemplateText { Vocabulary: var tokens } && tokens > model.Info.Vocabulary)
        {
            throw new UsageException($"{folder}: the tokenizer has {tokens} tokens, and the model knows {model.Info.Vocabulary}.");
        }

        using var conversation = new Conversation(model, text, options);
        using var interruption = new Interruption();
        new Dialogue(conversation, interruption, model.WeightBytes).Run(options.Prompt);
        return 0;
    }
    catch (Exception exception) when (exception is UsageException or TokenizerException or SafetensorsException or IOException or UnauthorizedAccessException)
    {
        return Fail(exception.Message);
    }
}

static int Fail(string message)
{
    Console.Error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
    return 1;
}
