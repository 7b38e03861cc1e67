using Ling.Chat;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Devices;
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
        IConversationText text = options.Model is { } folder && File.Exists(Path.Combine(folder, "tokenizer.json"))
            ? new TemplateText(folder, options)
            : new ByteText(options.System);
        using var device = new Device(options.Threads ?? Environment.ProcessorCount);
        using var model = options.Model is null
            ? ModelFactory.Create(options.Random!, device, options.Sampling.Seed, options.Weights)
            : ModelFactory.Load(options.Model, device, options.Weights);
        if (text is TemplateText { Vocabulary: var tokens } && tokens > model.Info.Vocabulary)
        {
            throw new UsageException($"{options.Model}: the tokenizer has {tokens} tokens, and the model knows {model.Info.Vocabulary}.");
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
